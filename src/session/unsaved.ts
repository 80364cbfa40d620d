// Tokens that an EHR has given and the vault has not taken yet. The token before them is used up, so
// they are all that the session has left: they stay here, unused, and are tried again until they are
// stored, first of all when the process ends. The clock and the waiting are passed in (attacks F2, F6).

import { createBoundedMap } from '../bounded-map.ts'
import type { TokenSet } from '../smart/types.ts'
import { weighTokens } from './opened.ts'
import type { OpenSession } from './session.ts'

export interface UnsavedOptions {
  now: () => number
  wait: (milliseconds: number) => Promise<void>
  /** Stores them, or finds that nobody needs them any more; adds them here again where it cannot. */
  store: (open: OpenSession, got: Got) => Promise<unknown>
  /** Lets others renew the session again. */
  release: (lease: Lease) => Promise<void>
}

export interface Lease {
  /** Record id. */
  id: string
  owner: string
}

export interface Got {
  tokens: TokenSet
  /** Held until they are stored, for as long as it lasts. */
  lease: Lease
}

export interface Unsaved {
  /** Keeps tokens that were got for this generation of the record, and tries to store them. */
  add(open: OpenSession, got: Got): void
  /** What waits here for this very generation. */
  find(open: OpenSession): Got | undefined
  /** Whether something waits that was got under this lease. */
  has(lease: Lease): boolean
  /** Forgets what waits for this very generation. */
  remove(open: OpenSession): void
  /** Resolves when none waits any more. */
  settled(): Promise<void>
}

const RETRY_MS = 250
const MAX_BYTES = 64 * 1024 * 1024

export function createUnsaved(options: UnsavedOptions): Unsaved {
  const waiting = createBoundedMap<{ open: OpenSession; got: Got }>(MAX_BYTES, weigh)
  let trying: Promise<void> | undefined

  return {
    add(open, got) {
      // One that was slow to fail is late: the EHR has given others since.
      const known = waiting.get(open.recordId)
      if (known && known.open.generation > open.generation) return
      waiting.set(open.recordId, { open, got })
      trying ??= tryAll()
    },
    find,
    has,
    remove(open) {
      if (find(open)) waiting.delete(open.recordId)
    },
    settled: async () => await trying,
  }

  function find({ recordId, generation }: OpenSession): Got | undefined {
    const found = waiting.get(recordId)
    return found?.open.generation === generation ? found.got : undefined
  }

  function has({ id, owner }: Lease): boolean {
    return waiting.get(id)?.got.lease.owner === owner
  }

  // One after another, and none past the first that fails: what fails is the vault.
  async function tryAll(): Promise<void> {
    try {
      while (waiting.size > 0) await tryEach()
    } finally {
      // In the step that found none left: what is added in the next one begins anew.
      trying = undefined
    }
  }

  async function tryEach(): Promise<void> {
    await options.wait(RETRY_MS)
    for (const [, { open, got }] of [...waiting.entries()]) {
      if (open.session.endsAt <= options.now()) waiting.delete(open.recordId)
      else await options.store(open, got).catch(() => undefined)
      if (has(got.lease)) break
      await options.release(got.lease)
    }
  }
}

// Both token sets: the session that they were got for is kept too.
function weigh({ open, got }: { open: OpenSession; got: Got }): number {
  return weighTokens(open.session.tokens) + weighTokens(got.tokens)
}
