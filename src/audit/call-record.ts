// The record of one proxied call: an event with the head of its answer or with its failure, whichever is
// first; and, where nothing may happen unrecorded, one before a write is sent. No I/O of its own, no clock.

import { BrokerError, codeOf } from '../errors.ts'
import type { AuditedCall, CallOutcome } from './call-event.ts'
import { findInteraction, READS } from './interaction.ts'
import type { Recording } from './recording.ts'
import { outcomeOf } from './terms.ts'

export interface CallRecord {
  /** Before it is sent. */
  intend(): Promise<void> | undefined
  /** With the head of the EHR's answer, before anything of that is sent on. */
  answered(status: number, location: string | undefined): Promise<void> | undefined
  /** Refused by us, before an answer of the EHR or for want of one. */
  failed(error: unknown): void
  /** The caller has left before there was an answer. */
  left(): void
}

export interface CallRecordOptions {
  build: (call: AuditedCall, end: CallOutcome | undefined) => string
  record: Recording['record']
  failClosed: boolean
}

/** Makes the records of calls. */
export function createCallRecords({ build, record, failClosed }: CallRecordOptions) {
  return (call: AuditedCall): CallRecord => {
    let isEnded = false
    return {
      intend() {
        const { method, target } = call.asked
        const isRead = !failClosed || READS.has(findInteraction(method, target.path).code)
        return isRead ? undefined : record(build(call, undefined))
      },
      answered(status, location) {
        isEnded = true
        const outcome = outcomeOf(status)
        return record(
          build(
            call,
            outcome === '0' ? { outcome, location } : { outcome, reason: `HTTP ${status}` },
          ),
        )
      },
      failed(error) {
        const status = error instanceof BrokerError ? error.status : 500
        end({ outcome: outcomeOf(status), reason: codeOf(error) })
      },
      left: () => end({ outcome: '4', reason: 'broken_off' }),
    }

    function end(how: CallOutcome): void {
      if (isEnded) return
      isEnded = true
      void record(build(call, how))
    }
  }
}
