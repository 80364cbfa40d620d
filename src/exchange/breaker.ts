// An EHR that gives no answer is asked no more for a while: after so many failures in a row each request is refused at
// once, then one is tried, and the first answer ends it. So a server that is down costs a caller no time, and is not
// called by a thousand at once when it comes back. The clock is passed in.

import type { BreakerLimits } from '../limits.ts'

export interface Breaker {
  /** Milliseconds until this EHR may be asked again; 0 where it may be by a request that begins at this moment. */
  restOf(ehr: string, at: number): number
  /** Whether this EHR is asked no more than once a pause. */
  isOpen(ehr: string): boolean
  /** A request was answered. */
  noteAnswer(ehr: string): void
  /** A request that began at this moment got no answer; false where that is no word about now. */
  noteSilence(ehr: string, since: number): boolean
  /** A request that began at this moment says nothing of the EHR: if it was tried, another one is at once. */
  noteNothing(ehr: string, since: number): void
}

interface Entry {
  /** In a row. */
  failures: number
  closedUntil: number
  /** When the one that was tried last began. */
  triedAt: number
  answeredAt: number
}

/** Every EHR may be asked. */
export function createBreaker({ failures, pauseMs }: BreakerLimits, now: () => number): Breaker {
  const entries = new Map<string, Entry>()

  return {
    restOf(ehr, at) {
      const entry = entries.get(ehr)
      if (entry === undefined || entry.failures < failures) return 0
      if (entry.closedUntil > at) return entry.closedUntil - at
      // This one is tried; whoever comes while it is under way waits another pause at most.
      entry.closedUntil = at + pauseMs
      entry.triedAt = at
      return 0
    },
    isOpen: ehr => (entries.get(ehr)?.failures ?? 0) >= failures,
    noteAnswer(ehr) {
      const entry = entryOf(ehr)
      entry.failures = 0
      entry.answeredAt = now()
    },
    noteSilence(ehr, since) {
      const entry = entryOf(ehr)
      // Others were answered meanwhile: one caller's slow searches are not everybody's.
      if (entry.answeredAt > since) return false
      // Those that were sent before keep nobody out for longer.
      if (++entry.failures === failures) entry.closedUntil = now() + pauseMs
      return true
    },
    noteNothing(ehr, since) {
      const entry = entries.get(ehr)
      if (entry?.triedAt === since) entry.closedUntil = now()
    },
  }

  function entryOf(ehr: string): Entry {
    const known = entries.get(ehr)
    if (known !== undefined) return known
    const never = Number.NEGATIVE_INFINITY
    const entry = { failures: 0, closedUntil: 0, triedAt: never, answeredAt: never }
    entries.set(ehr, entry)
    return entry
  }
}
