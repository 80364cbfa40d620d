// Whether a FHIR request may go to its EHR at all: within the rates that an operator has set, and where the EHR gives
// answers. The clock is passed in.

import { BrokerError, codeOf, type FaultCode } from '../errors.ts'
import type { BreakerLimits, RateLimits } from '../limits.ts'
import { createBreaker } from './breaker.ts'
import type { ProxiedSession } from './proxied-session.ts'
import { createRate } from './rate.ts'
import { nameUser } from './shares.ts'

export interface AdmissionOptions {
  perSecond: RateLimits
  breaker: BreakerLimits
  now: () => number
  /**
   * Hears what became of each request: any answer, or none, with the code of our refusal and whether the EHR
   * is left in peace now.
   */
  tell: (ehr: string, hasAnswered: boolean, code?: FaultCode, isResting?: boolean) => void
}

export interface Admission {
  /** Refuses with `too_many_requests`, `too_many_in_flight`, or `upstream_unreachable` while the EHR rests. */
  admit(session: ProxiedSession['session']): void
  noteAnswer(ehr: string): void
  /** Takes what ended a request; only the silence of the EHR counts. */
  noteRefusal(ehr: string, error: unknown): void
}

const SILENCE: readonly FaultCode[] = ['upstream_unreachable', 'upstream_timeout']

export function createAdmission({ perSecond, breaker, now, tell }: AdmissionOptions): Admission {
  const rate = createRate(perSecond, now)
  const { restOf, isOpen, note } = createBreaker(breaker, now)

  return {
    admit(session) {
      const { ehr } = session
      rate?.(ehr, nameUser(session))
      const rest = restOf(ehr)
      if (rest === 0) return
      const retryAfterSeconds = Math.ceil(rest / 1000)
      throw new BrokerError('upstream_unreachable', {
        ...{ ehr, retryAfterSeconds, detail: 'it has given no answer for a while' },
      })
    },
    noteAnswer(ehr) {
      note(ehr, true)
      tell(ehr, true)
    },
    noteRefusal(ehr, error) {
      const code = codeOf(error)
      if (!SILENCE.includes(code)) return
      note(ehr, false)
      tell(ehr, false, code, isOpen(ehr))
    },
  }
}
