// Giving tokens back (RFC 7009) after their session is over: the user is out in any case, so this runs
// behind the answer, tries a few times while the EHR is down, and is bounded in memory, for each EHR and
// in all. The network and the waiting are passed in (attacks DS13).

import { give, type Share, take } from '../share.ts'
import type { TokenSet } from '../smart/types.ts'
import { weighTokens } from './opened.ts'

export interface RevocationOptions {
  /** One attempt for all tokens of a set; rejects when it should be tried again. */
  revoke: (ehr: string, tokens: TokenSet) => Promise<void>
  wait: (milliseconds: number) => Promise<void>
  onGivenUp: (ehr: string, error: unknown) => void
}

const WAITS_MS = [1_000, 5_000, 30_000]
/** Memory for what waits; beyond it tokens are left to their own expiry. */
const WAITING_BYTES = { ehr: 8 * 1024 * 1024, all: 32 * 1024 * 1024 }

export interface Revocations {
  /** Begins to revoke; never throws and never waits. */
  giveBack(ehr: string, tokens: TokenSet): void
  /** Resolves when everything begun so far is done or given up. */
  settled(): Promise<void>
}

export function createRevocations(options: RevocationOptions): Revocations {
  const waiting = new Set<Promise<void>>()
  const all: Share = { held: 0, limit: WAITING_BYTES.all }
  const shares = new Map<string, Share>()

  return {
    giveBack(ehr, tokens) {
      const share = shareOf(ehr)
      const bytes = weighTokens(tokens)
      if (!take(share, bytes)) {
        options.onGivenUp(ehr, new Error('too many revocations are waiting'))
        return
      }
      const attempt = attemptAll(ehr, tokens).finally(() => {
        give(share, bytes)
        waiting.delete(attempt)
      })
      waiting.add(attempt)
    },
    settled: () => Promise.all(waiting).then(() => undefined),
  }

  function shareOf(ehr: string): Share {
    const share = shares.get(ehr) ?? { held: 0, limit: WAITING_BYTES.ehr, within: all }
    shares.set(ehr, share)
    return share
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
