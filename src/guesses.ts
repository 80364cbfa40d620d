// Wrong guesses of a secret, counted for each caller: whoever has guessed too often is not heard for a
// while, right or wrong. The clock is passed in; what is remembered is bounded (attacks AD6).

import { createBoundedMap } from './bounded-map.ts'

export interface GuessLimits {
  /** Wrong guesses that one caller may make, none later than this after the one before. */
  max: number
  /** In milliseconds; so long is the caller not heard after the last of them, too. */
  windowMs: number
}

export interface Guesses {
  /** Milliseconds until the caller is heard again; 0 where it is heard now. */
  restOf(caller: string): number
  /** Notes one wrong guess. */
  note(caller: string): void
}

const MAX_BYTES = 1024 * 1024

/** Nobody has guessed yet. */
export function createGuesses({ max, windowMs }: GuessLimits, now: () => number): Guesses {
  const wrong = createBoundedMap<{ count: number; until: number }>(MAX_BYTES)

  return {
    restOf(caller) {
      const { count = 0, until = 0 } = wrong.get(caller) ?? {}
      return count < max ? 0 : Math.max(0, until - now())
    },
    note(caller) {
      const { count = 0, until = 0 } = wrong.get(caller) ?? {}
      wrong.set(caller, { count: until > now() ? count + 1 : 1, until: now() + windowMs })
    },
  }
}
