// How many FHIR requests may begin within a second, by one user at one EHR and at one EHR by all, where an operator says
// so. The clock is passed in.

import { BrokerError } from '../errors.ts'
import type { RateLimits } from '../limits.ts'

/**
 * Counts one request. Refuses with `too_many_requests` beyond the user's own limit, and with `too_many_in_flight`
 * beyond the EHR's.
 */
export type Rate = (ehr: string, user: string) => void

const WINDOW_MS = 1_000

/** Undefined where nothing is limited. */
export function createRate({ user, ehr }: RateLimits, now: () => number): Rate | undefined {
  if (user === undefined && ehr === undefined) return undefined
  const ofUsers = new Map<string, number>()
  const ofEhrs = new Map<string, number>()
  let endsAt = now() + WINDOW_MS

  return (atEhr, byUser) => {
    if (now() >= endsAt) {
      endsAt = now() + WINDOW_MS
      ofUsers.clear()
      ofEhrs.clear()
    }
    const [own, whole] = [ofUsers.get(byUser) ?? 0, ofEhrs.get(atEhr) ?? 0]
    const about = { ehr: atEhr, retryAfterSeconds: 1 }
    if (user !== undefined && own >= user) throw new BrokerError('too_many_requests', about)
    if (ehr !== undefined && whole >= ehr) throw new BrokerError('too_many_in_flight', about)
    ofUsers.set(byUser, own + 1)
    ofEhrs.set(atEhr, whole + 1)
  }
}
