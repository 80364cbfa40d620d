// An EHR that gives no answer is asked no more for a while: after so many failures in a row each request is refused at
// once, then one is tried, and the first answer ends it. So a server that is down costs a caller no time, and is not
// called by a thousand at once when it comes back. Users are tried in turn: else one whose searches are slow could take
// every try, and keep out those who would be answered. The clock is passed in.

import type { BreakerLimits } from '../limits.ts'

export interface Breaker {
  /** Milliseconds until this user may ask the EHR again; 0 where it may by a request that begins at this moment. */
  restOf(ehr: string, at: number, user: string): number
  /** Whether this EHR is asked no more than once a pause. */
  isOpen(ehr: string): boolean
  /** A request was answered. */
  noteAnswer(ehr: string): void
  /** A request that began at this moment got no answer; false where that is no word about now. */
  noteSilence(ehr: string, since: number): boolean
  /** A request that began at this moment says nothing of the EHR: if it was tried, another user's is at once. */
  noteNothing(ehr: string, since: number): void
}

interface Entry {
  /** In a row. */
  failures: number
  closedUntil: number
  /** When the one that was tried last began. */
  triedAt: number
  /** Who was tried in this round: these wait for a pause more, so that others come first. */
  tried: Set<string>
  answeredAt: number
}

/** Users in one round; after so many the next one begins. */
const MAX_TRIED = 1_000

/** Every EHR may be asked. */
export function createBreaker({ failures, pauseMs }: BreakerLimits, now: () => number): Breaker {
  const entries = new Map<string, Entry>()

  return {
    restOf(ehr, at, user) {
      const entry = entries.get(ehr)
      if (entry === undefined || entry.failures < failures) return 0
      const { tried } = entry
      const wasTried = tried.has(user)
      const until = entry.closedUntil + (wasTried ? pauseMs : 0)
      if (until > at) return until - at
      // This one is tried; whoever else comes while it is under way waits another pause at most.
      if (wasTried || tried.size >= MAX_TRIED) tried.clear()
      tried.add(user)
      entry.closedUntil = at + pauseMs
      entry.triedAt = at
      return 0
    },
    isOpen: ehr => (entries.get(ehr)?.failures ?? 0) >= failures,
    noteAnswer(ehr) {
      const entry = entryOf(ehr)
      entry.failures = 0
      entry.tried.clear()
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
    const tried = new Set<string>()
    const entry = { failures: 0, closedUntil: 0, triedAt: never, tried, answeredAt: never }
    entries.set(ehr, entry)
    return entry
  }
}
