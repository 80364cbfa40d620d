// Giving tokens back (RFC 7009) after their session is over: the user is out in any case, so this runs
// behind the answer, tries a few times while the EHR is down, and is bounded in memory. The network
// and the waiting are passed in.

import type { TokenSet } from '../smart/types.ts'

export interface RevocationOptions {
  /** One attempt for all tokens of a set; rejects when it should be tried again. */
  revoke: (ehr: string, tokens: TokenSet) => Promise<void>
  wait: (milliseconds: number) => Promise<void>
  onGivenUp: (ehr: string, error: unknown) => void
}

const WAITS_MS = [1_000, 5_000, 30_000]
const MAX_WAITING = 1_000

export interface Revocations {
  /** Begins to revoke; never throws and never waits. */
  begin(ehr: string, tokens: TokenSet): void
  /** Resolves when everything begun so far is done or given up. */
  settled(): Promise<void>
}

export function createRevocations(options: RevocationOptions): Revocations {
  const waiting = new Set<Promise<void>>()

  return {
    begin(ehr, tokens) {
      if (waiting.size >= MAX_WAITING) {
        options.onGivenUp(ehr, new Error('too many revocations are waiting'))
        return
      }
      const attempt = attemptAll(ehr, tokens)
      waiting.add(attempt)
      void attempt.finally(() => waiting.delete(attempt))
    },
    settled: () => Promise.all(waiting).then(() => undefined),
  }

  async function attemptAll(ehr: string, tokens: TokenSet): Promise<void> {
    for (const pause of [...WAITS_MS, undefined]) {
      try {
        await options.revoke(ehr, tokens)
        return
      } catch (error) {
        if (pause === undefined) {
          options.onGivenUp(ehr, error)
          return
        }
        await options.wait(pause)
      }
    }
  }
}
