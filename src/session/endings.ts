// Endings that the vault would not take. Whoever asked for one is told of the failure; here the session
// is refused at once all the same, and its record is removed as soon as the vault can be written
// (attacks O10).

import { setTimeout as pause } from 'node:timers/promises'
import { settleInBatches } from '../batches.ts'
import { createBoundedMap } from '../bounded-map.ts'
import type { RecordId, Vault } from '../vault/vault.ts'
import { type Changes, createChanges, type EndReason, noteReason } from './changes.ts'

export interface Ending {
  /** Ends only this one. */
  generation?: number
  reason?: EndReason
  /** Registration id, for whoever is told. */
  ehr?: string
}

export interface Endings {
  /** Removes a record, or only one generation of it; rejects where it could not, and tries again. */
  end(id: RecordId, how?: Ending): Promise<boolean>
  /** Ends each, whatever becomes of the others; how many were there, and the first failure. */
  endAll(
    ids: Iterable<RecordId>,
    reason?: EndReason,
    ehr?: string,
  ): Promise<{ ended: number; failure?: unknown }>
  /** True while a record that is to be gone may still lie in the vault. */
  isPending(id: RecordId): boolean
  /** Resolves when none is pending any more. */
  settled(): Promise<void>
}

export interface EndingsOptions {
  vault: Pick<Vault, 'remove' | 'take' | 'now'>
  /** The pause between two tries; by a timer that keeps no process alive unless told. */
  wait?: (milliseconds: number) => Promise<void>
  /** Milliseconds after which a record is gone by itself. */
  absoluteMs: number
}

interface Pending {
  generation?: number
  triesLeft: number
}

const RETRY_MS = 1_000
/** Removed at a time: in a file each is a durable write of its own. */
const BATCH = 8
/** Room for some fifty thousand. */
const PENDING_BYTES = 12 * 1024 * 1024

/** Nothing is pending yet. */
export function createEndings(
  options: EndingsOptions,
  changes: Pick<Changes, 'tell'> = createChanges(),
): Endings {
  const { vault, absoluteMs, wait = pauseUnref } = options
  const pending = createBoundedMap<Pending>(PENDING_BYTES)
  let trying: Promise<void> | undefined

  return { end, endAll, isPending: id => pending.has(id), settled: async () => await trying }

  async function end(id: RecordId, { generation, reason, ehr }: Ending = {}): Promise<boolean> {
    let isTold = false
    const tell = () => {
      if (!isTold) changes.tell({ type: 'ended', recordId: id, ehr, reason })
      isTold = true
    }
    const noted = reason && noteReason(vault, id, reason)
    try {
      return await remove(id, generation, tell)
    } catch (error) {
      // Told although its record may still be there: it opens here no more.
      tell()
      throw error
    } finally {
      await noted
    }
  }

  async function remove(id: RecordId, generation: number | undefined, onRemoved: () => void) {
    try {
      const isDone = await vault.remove(id, generation, onRemoved)
      if (isDone || !outlasts(pending.get(id), generation)) pending.delete(id)
      return isDone
    } catch (error) {
      if (!outlasts(pending.get(id), generation)) {
        pending.set(id, { generation, triesLeft: Math.ceil(absoluteMs / RETRY_MS) })
      }
      trying ??= tryAll()
      throw error
    }
  }

  async function endAll(ids: Iterable<RecordId>, reason?: EndReason, ehr?: string) {
    let ended = 0
    let failure: unknown
    const step = async (id: RecordId) => await end(id, { reason, ehr })
    for (const ending of await settleInBatches([...ids], BATCH, step)) {
      if (ending.status === 'rejected') failure ??= ending.reason
      else if (ending.value) ended++
    }
    return { ended, failure }
  }

  // One after another, and none past the first that fails, which comes last the next time.
  async function tryAll(): Promise<void> {
    try {
      while (pending.size > 0) await tryEach()
    } finally {
      // In the step that found none left: what fails in the next one begins anew.
      trying = undefined
    }
  }

  async function tryEach(): Promise<void> {
    await wait(RETRY_MS)
    for (const [id, ending] of [...pending.entries()]) {
      const isDone = await vault.remove(id, ending.generation).then(
        () => true,
        () => ending.triesLeft-- <= 0,
      )
      if (pending.get(id) !== ending) continue
      if (isDone) pending.delete(id)
      else {
        pending.set(id, ending)
        break
      }
    }
  }
}

/** Whether what is pending ends more than an ending of this generation would, or a later one. */
function outlasts(known: Pending | undefined, generation: number | undefined): boolean {
  if (known === undefined || generation === undefined) return false
  return known.generation === undefined || known.generation > generation
}

async function pauseUnref(milliseconds: number): Promise<void> {
  await pause(milliseconds, undefined, { ref: false })
}
