// Which EHRs answer, as far as their FHIR traffic shows: one that failed twice in a row without an answer
// between is down, and the first answer brings it back. The time of day is passed in, and only told.

import type { FaultCode } from '../errors.ts'

export interface Availability {
  /** What became of a request: any answer, or none, with the code of our refusal; whether it is left in peace. */
  note(ehr: string, hasAnswered: boolean, code?: FaultCode, isResting?: boolean): void
  /** What another process has seen; times are left as they are. */
  learn(ehr: string, isDown: boolean): void
  isDown(ehr: string): boolean
  /** What was seen of an EHR since the start; nothing where nothing was asked of it. */
  seen(ehr: string): Seen
  /** Hears each change from now on; the returned function ends that. */
  watch(listener: (ehr: string, isDown: boolean) => void): () => void
}

/** Times in milliseconds since the epoch. */
export interface Seen {
  isDown: boolean
  /** Asked no more than once a pause, until it answers: the breaker is open. */
  isResting: boolean
  lastSuccessAt?: number
  lastFailure?: { at: number; code: FaultCode }
}

interface Entry extends Seen {
  /** In a row. */
  failures: number
}

const FAILURES = 2

/** Every EHR answers until it does not. */
export function createAvailability(now: () => number = Date.now): Availability {
  const entries = new Map<string, Entry>()
  const listeners = new Set<(ehr: string, isDown: boolean) => void>()

  return {
    note(ehr, hasAnswered, code = 'upstream_unreachable', isResting = false) {
      const entry = entryOf(ehr)
      entry.isResting = isResting
      if (hasAnswered) entry.lastSuccessAt = now()
      else entry.lastFailure = { at: now(), code }
      entry.failures = hasAnswered ? 0 : entry.failures + 1
      judge(ehr, entry)
    },
    learn(ehr, isDown) {
      const entry = entryOf(ehr)
      entry.failures = isDown ? FAILURES : 0
      judge(ehr, entry)
    },
    isDown: ehr => entries.get(ehr)?.isDown ?? false,
    seen(ehr) {
      const { isDown = false, isResting = false, ...times } = entries.get(ehr) ?? {}
      const { lastSuccessAt, lastFailure } = times as Partial<Entry>
      return { isDown, isResting, lastSuccessAt, lastFailure }
    },
    watch(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
  }

  function judge(ehr: string, entry: Entry): void {
    const isDown = entry.failures >= FAILURES
    if (entry.isDown === isDown) return
    entry.isDown = isDown
    for (const listener of listeners) listener(ehr, isDown)
  }

  function entryOf(ehr: string): Entry {
    const entry = entries.get(ehr) ?? { failures: 0, isDown: false, isResting: false }
    entries.set(ehr, entry)
    return entry
  }
}
