// How long a session's renewal rests after a failure: as long as the EHR asks for, else a moment, and
// longer each time, a minute at most. The clock and the randomness are passed in (attacks F4).

import { createBoundedMap } from '../bounded-map.ts'
import { BrokerError } from '../errors.ts'
import { chooseRest } from '../smart/rest.ts'
import type { OpenSession } from './session.ts'

export interface Pauses {
  isResting(open: OpenSession): boolean
  /** What a request that needs the renewal is told meanwhile: 503 with the time that is left. */
  refusal(open: OpenSession): BrokerError
  /** Begins a rest after this failure; gives the failure as it is to be told, with the time to wait. */
  rest(open: OpenSession, failure: unknown): unknown
  /** A renewal went well: the session rests no longer. */
  lift(open: OpenSession): void
}

const MAX_MS = 60_000
const MAX_BYTES = 4 * 1024 * 1024

/** No session rests yet; `random` gives numbers between 0 and 1. */
export function createPauses({ now, random }: { now: () => number; random: () => number }): Pauses {
  const pauses = createBoundedMap<{ until: number; failures: number }>(MAX_BYTES)

  return {
    isResting: ({ recordId }) => (pauses.get(recordId)?.until ?? 0) > now(),
    refusal: open => build(open, new BrokerError('refresh_failed')),
    rest(open, failure) {
      const failures = (pauses.get(open.recordId)?.failures ?? 0) + 1
      const askedSeconds = failure instanceof BrokerError ? failure.askedSeconds : undefined
      const until = now() + chooseRest(failures, { askedSeconds, random: random(), maxMs: MAX_MS })
      pauses.set(open.recordId, { until, failures })
      return failure instanceof BrokerError ? build(open, failure) : failure
    },
    lift: ({ recordId }) => void pauses.delete(recordId),
  }

  // Whatever went wrong on the way is told as 503; what it was stands in the log.
  function build({ recordId, session }: OpenSession, failure: BrokerError): BrokerError {
    const left = (pauses.get(recordId)?.until ?? 0) - now()
    const told = { ehr: session.ehr, retryAfterSeconds: Math.max(1, Math.ceil(left / 1000)) }
    const { code, status, detail, cause } = failure
    return status === 503
      ? new BrokerError(code, { ...told, detail, cause })
      : new BrokerError('refresh_failed', { ...told, cause: failure })
  }
}
