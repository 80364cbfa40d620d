// Whether the records of a server are of this key ring (attacks V10). A server that was not there at the
// start is judged before its first use, and each request gets its 503 until then.

import { BrokerError } from '../errors.ts'
import { verifyKeyMarks } from './key-marks.ts'
import { VaultRefusal } from './refusal.ts'
import type { KeyMarks } from './vault.ts'

export interface RedisRing {
  /** As the contract of the vault says; a server that cannot be reached is asked again later. */
  verifyKeys(marks: KeyMarks): Promise<void>
  /** Resolves when the server may be used; rejects with `vault_unavailable`. */
  ready(): Promise<void>
}

/** Marks are read and noted by the functions passed in. */
export function createRedisRing(
  readMarks: () => Promise<KeyMarks>,
  noteMarks: (marks: KeyMarks) => Promise<unknown>,
): RedisRing {
  let unverified: KeyMarks | undefined

  return {
    async verifyKeys(marks) {
      unverified = marks
      await verify(marks).catch(error => {
        if (error instanceof VaultRefusal) throw error
      })
    },
    async ready() {
      if (!unverified) return
      try {
        await verify(unverified)
      } catch (error) {
        if (!(error instanceof VaultRefusal)) throw error
        throw new BrokerError('vault_unavailable', { detail: error.message })
      }
    },
  }

  async function verify(marks: KeyMarks): Promise<void> {
    verifyKeyMarks(await readMarks(), marks)
    await noteMarks(marks)
    unverified = undefined
  }
}
