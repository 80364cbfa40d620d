// A vault whose operations are timed. Heads are not: they are asked for on each request and lie in memory
// most of the time. The clock is passed in.

import type { Vault } from './vault.ts'

/** The operations that are timed. */
export const timedOperations = [
  ...['insert', 'read', 'replace', 'touch', 'remove', 'isGone', 'find', 'entries'],
  ...['take', 'isTaken', 'deposit', 'withdraw', 'lease', 'release', 'sweep', 'size', 'ping'],
] as const

/** Hears of each operation: its name, how long it took, and whether it failed. */
export type NoteOperation = (operation: string, seconds: number, hasFailed: boolean) => void

/** The same vault; each operation is noted when it is over. */
export function timeVault(vault: Vault, clock: () => number, note: NoteOperation): Vault {
  const methods = vault as unknown as Record<string, (...given: unknown[]) => Promise<unknown>>
  const timed = timedOperations.map(name => {
    const run = async (...given: unknown[]) => {
      const began = clock()
      let hasFailed = true
      try {
        const outcome = await methods[name]?.(...given)
        hasFailed = false
        return outcome
      } finally {
        note(name, (clock() - began) / 1000, hasFailed)
      }
    }
    return [name, run] as const
  })
  return {
    now: () => vault.now(),
    head: id => vault.head(id),
    verifyKeys: marks => vault.verifyKeys(marks),
    close: () => vault.close(),
    ...(Object.fromEntries(timed) as unknown as Omit<
      Vault,
      'now' | 'head' | 'verifyKeys' | 'close'
    >),
  }
}
