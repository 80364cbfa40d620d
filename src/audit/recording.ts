// Recording: events go to a sink, and what that does not keep is noted. Where nothing may be acknowledged that
// is not recorded, each goes at once, and whoever acknowledges waits for it, but not for ever; otherwise they go
// in groups, so that many share what a disk costs. No clock of its own but Node's timers.

import { BrokerError } from '../errors.ts'
import { within } from '../patience.ts'
import type { AuditSink } from './recorder.ts'

export interface RecordingOptions {
  sink: Pick<AuditSink, 'record'>
  failClosed: boolean
  onRecorded?: () => void
  /** An event is not recorded, or not within the patience. */
  onLost: (error: unknown) => void
  /** Milliseconds that an acknowledgement, or the end of the app, waits for a record; ten seconds unless told. */
  patienceMs?: number
}

export interface Recording {
  /**
   * Takes an event. With `failClosed` the promise rejects with `audit_unavailable` where it may not be
   * recorded, and nobody has to look at it; otherwise there is nothing to wait for.
   */
  record(event: string): Promise<void> | undefined
  /** Hands over what is still here, and waits until the sink has it or not, or is too late. */
  settle(): Promise<void>
}

/** How long events wait for others to share a write with. */
const GROUP_MS = 100
const MOST_IN_GROUP = 1_000
const PATIENCE_MS = 10_000

/** Makes what records events in a sink. */
export function createRecording(options: RecordingOptions): Recording {
  return options.failClosed ? recordOrReject(options) : recordInPassing(options)
}

function recordInPassing(options: RecordingOptions): Recording {
  const { sink, onRecorded, onLost, patienceMs = PATIENCE_MS } = options
  let group: string[] = []
  let timer: NodeJS.Timeout | undefined
  let underWay = 0
  let onSettled: (() => void) | undefined
  return {
    record(event) {
      if (group.push(event) >= MOST_IN_GROUP) handOver()
      else timer ??= setTimeout(handOver, GROUP_MS)
      return undefined
    },
    async settle() {
      handOver()
      if (underWay === 0) return
      await within(patienceMs, new Promise<void>(done => (onSettled = done)))
      for (let left = underWay; left > 0; left--) onLost(late())
    },
  }

  function handOver(): void {
    clearTimeout(timer)
    timer = undefined
    const events = group
    group = []
    underWay += events.length
    for (const event of events) void hand(sink, event).then(onRecorded, onLost).then(noteEnd)
  }

  function noteEnd(): void {
    if (--underWay === 0) onSettled?.()
  }
}

function recordOrReject(options: RecordingOptions): Recording {
  const { sink, onRecorded, onLost, patienceMs = PATIENCE_MS } = options
  return { record, settle: async () => undefined }

  function record(event: string): Promise<void> {
    const tooLate = Promise.withResolvers<void>()
    const timer = setTimeout(() => tooLate.reject(late()), patienceMs)
    const recorded = Promise.race([hand(sink, event), tooLate.promise])
      .finally(() => clearTimeout(timer))
      .then(onRecorded, cause => {
        onLost(cause)
        throw new BrokerError('audit_unavailable', { cause })
      })
    recorded.catch(() => undefined)
    return recorded
  }
}

const late = () => new Error('the audit is late')

/** What a sink throws is a rejection, too. */
async function hand(sink: RecordingOptions['sink'], event: string): Promise<void> {
  await sink.record(event)
}
