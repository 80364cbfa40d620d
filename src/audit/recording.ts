// Recording: events go to a sink, and what that does not keep is noted. Where nothing may be acknowledged that
// is not recorded, whoever acknowledges waits here, but not for ever. No clock of its own but Node's timers.

import { BrokerError } from '../errors.ts'
import type { AuditSink } from './recorder.ts'

export interface RecordingOptions {
  sink: Pick<AuditSink, 'record'>
  failClosed: boolean
  onRecorded?: () => void
  /** An event is not recorded, or not within the patience: the sink's error, or none. */
  onLost: (error: unknown) => void
  /** Milliseconds that an acknowledgement waits for its record; ten seconds unless told. */
  patienceMs?: number
}

/**
 * Hands an event to the sink. With `failClosed` the promise rejects with `audit_unavailable` where it may not
 * be recorded, and nobody has to look at it; otherwise there is nothing to wait for.
 */
export type RecordEvent = (event: string) => Promise<void> | undefined

/** Makes what records events in a sink. */
export function createRecording(options: RecordingOptions): RecordEvent {
  const { sink, failClosed, onRecorded, onLost, patienceMs = 10_000 } = options

  return failClosed ? recordOrReject : recordInPassing

  function recordInPassing(event: string): undefined {
    hand(event).then(onRecorded, onLost)
  }

  function recordOrReject(event: string): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const refuse = (cause?: unknown) => {
      onLost(cause)
      reject(new BrokerError('audit_unavailable', { cause }))
    }
    const timer = setTimeout(refuse, patienceMs)
    hand(event).then(
      () => {
        clearTimeout(timer)
        onRecorded?.()
        resolve()
      },
      error => {
        clearTimeout(timer)
        refuse(error)
      },
    )
    promise.catch(() => undefined)
    return promise
  }

  /** What a sink throws is a rejection, too. */
  async function hand(event: string): Promise<void> {
    await sink.record(event)
  }
}
