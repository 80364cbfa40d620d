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
  /**
   * The moment at which a request is let in. Refuses with `too_many_requests`, `too_many_in_flight`, or
   * `upstream_unreachable` while the EHR rests.
   */
  admit(session: ProxiedSession['session']): number
  /** One that was not refused has ended: with an answer, or because its caller left. */
  noteEnd(ehr: string, since: number, hasAnswered: boolean): void
  /** Takes what ended a request; only the silence of an EHR that had the whole of it counts. */
  noteRefusal(ehr: string, since: number, error: unknown, isWhole: boolean): void
}

const SILENCE: readonly FaultCode[] = ['upstream_unreachable', 'upstream_timeout']

export function createAdmission({ perSecond, breaker, now, tell }: AdmissionOptions): Admission {
  const rate = createRate(perSecond, now)
  const { restOf, isOpen, noteAnswer, noteSilence, noteNothing } = createBreaker(breaker, now)

  return {
    admit(session) {
      const { ehr } = session
      rate?.(ehr, nameUser(session))
      const since = now()
      const rest = isOpen(ehr) ? restOf(ehr, since, nameUser(session)) : 0
      if (rest === 0) return since
      const retryAfterSeconds = Math.ceil(rest / 1000)
      throw new BrokerError('upstream_unreachable', {
        ...{ ehr, retryAfterSeconds, detail: 'it has given no answer for a while' },
      })
    },
    noteEnd(ehr, since, hasAnswered) {
      if (!hasAnswered) return noteNothing(ehr, since)
      noteAnswer(ehr)
      tell(ehr, true)
    },
    noteRefusal(ehr, since, error, isWhole) {
      const code = codeOf(error)
      const isSilence = SILENCE.includes(code) && (isWhole || code !== 'upstream_timeout')
      if (!isSilence) noteNothing(ehr, since)
      else if (noteSilence(ehr, since)) tell(ehr, false, code, isOpen(ehr))
    },
  }
}
