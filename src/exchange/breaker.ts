// An EHR that gives no answer is asked no more for a while: after so many failures in a row each request is refused at
// once, then one is tried, and the first answer ends it. So a server that is down costs a caller no time, and is not
// called by a thousand at once when it comes back. The clock is passed in.

import type { BreakerLimits } from '../limits.ts'

export interface Breaker {
  /** Milliseconds until this EHR may be asked again; 0 where it may be asked now. */
  restOf(ehr: string): number
  /** Whether this EHR is asked no more than once a pause. */
  isOpen(ehr: string): boolean
  /** What became of a request: any answer, or none. */
  note(ehr: string, hasAnswered: boolean): void
}

interface Entry {
  /** In a row. */
  failures: number
  closedUntil: number
}

/** Every EHR may be asked. */
export function createBreaker({ failures, pauseMs }: BreakerLimits, now: () => number): Breaker {
  const entries = new Map<string, Entry>()

  return {
    restOf(ehr) {
      const entry = entries.get(ehr)
      if (entry === undefined || entry.failures < failures) return 0
      const rest = entry.closedUntil - now()
      if (rest > 0) return rest
      // This one is tried; whoever comes while it is under way waits another pause at most.
      entry.closedUntil = now() + pauseMs
      return 0
    },
    isOpen: ehr => (entries.get(ehr)?.failures ?? 0) >= failures,
    note(ehr, hasAnswered) {
      if (hasAnswered) {
        entries.delete(ehr)
        return
      }
      const entry = entries.get(ehr) ?? { failures: 0, closedUntil: 0 }
      // Those that were sent before are no word about now.
      if (++entry.failures === failures) entry.closedUntil = now() + pauseMs
      entries.set(ehr, entry)
    },
  }
}
