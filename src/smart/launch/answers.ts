// Answers to callbacks: one for all who ask at the same time with the same launch cookie, and the same
// again for a minute, because an answer is lost on a slow line and the redirect URI visited twice. Who
// still has the cookie later never got the answer: what it gave is then given back. The time is passed in.

import { createBoundedMap } from '../../bounded-map.ts'
import { LAUNCH_LIFETIME_SECONDS } from './state.ts'

export interface Answers<T> {
  /**
   * The answer to this launch for this cookie: kept, under way, or made by `make`. Rejects as `make` does;
   * what it rejects with is not kept.
   */
  share(launchId: string, cookie: string | undefined, make: () => Promise<T>): Promise<T>
}

export interface AnswersOptions<T> {
  /** Milliseconds by a clock that nobody sets. */
  steady: () => number
  /** An answer that never reached its browser; runs behind the next one. */
  onLost(answer: T): void
}

interface Given<T> {
  cookie: string
  answer: T
  at: number
}

const SAME_MS = 60_000
const KEPT_MS = LAUNCH_LIFETIME_SECONDS * 1_000
const KEPT_BYTES = 16 * 1024 * 1024
/** A token set and what goes with it, at its largest. */
const ANSWER_BYTES = 32 * 1024

/** Nothing is kept yet. */
export function createAnswers<T>({ steady, onLost }: AnswersOptions<T>): Answers<T> {
  const running = new Map<string, { cookie: string; answer: Promise<T> }>()
  const given = createBoundedMap<Given<T>>(KEPT_BYTES, () => ANSWER_BYTES)

  return {
    async share(launchId, cookie, make) {
      const same = running.get(launchId)
      if (same && same.cookie === cookie) return await same.answer
      const before = given.get(launchId)
      if (before && before.cookie === cookie) {
        const age = steady() - before.at
        if (age < SAME_MS) return before.answer
        given.delete(launchId)
        if (age < KEPT_MS) onLost(before.answer)
      }
      if (cookie === undefined || same) return await make()
      const answer = make()
      running.set(launchId, { cookie, answer })
      try {
        given.set(launchId, { cookie, answer: await answer, at: steady() })
        return await answer
      } finally {
        running.delete(launchId)
      }
    },
  }
}
