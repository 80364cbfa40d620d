// Which EHRs answer, as far as their FHIR traffic shows: one that failed twice in a row without an answer
// between is down, and the first answer brings it back. No clock.

export interface Availability {
  /** What became of a request: any answer, or none. */
  note(ehr: string, hasAnswered: boolean): void
  isDown(ehr: string): boolean
  /** Hears each change from now on; the returned function ends that. */
  watch(listener: (ehr: string, isDown: boolean) => void): () => void
}

const FAILURES = 2

/** Every EHR answers until it does not. */
export function createAvailability(): Availability {
  /** Failures in a row by registration id. */
  const failures = new Map<string, number>()
  const listeners = new Set<(ehr: string, isDown: boolean) => void>()

  return {
    note(ehr, hasAnswered) {
      const before = failures.get(ehr) ?? 0
      if (hasAnswered && before === 0) return
      const after = hasAnswered ? 0 : before + 1
      failures.set(ehr, after)
      if (before >= FAILURES === after >= FAILURES) return
      for (const listener of listeners) listener(ehr, after >= FAILURES)
    },
    isDown: ehr => (failures.get(ehr) ?? 0) >= FAILURES,
    watch(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
  }
}
