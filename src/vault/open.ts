// Opens the configured vault and proves that its records are sealed under keys of this ring: with a
// wrong ring every session would seem tampered with, so the start is refused and nothing is deleted.
// The store and the clock are passed in; Redis is loaded only when it is configured.

import { createMemoryVault } from './memory.ts'
import type { RedisVaultChoice } from './redis-choice.ts'
import { openSqliteVault } from './sqlite.ts'
import type { KeyMarks, Vault } from './vault.ts'

export type VaultChoice =
  | { kind: 'memory' }
  | { kind: 'sqlite'; path: string }
  | ({ kind: 'redis' } & RedisVaultChoice)

export interface OpenedVault {
  vault: Vault
  /** What an operator should know of the store, in fixed words. */
  warnings: readonly string[]
}

/**
 * Opens the vault; throws VaultRefusal when it cannot be used with these keys. With a `steady` clock,
 * which nobody sets, a store that has a time of day of its own goes by that, and not by `now`.
 */
export async function openVault(
  choice: VaultChoice,
  keyMarks: KeyMarks,
  now: () => number,
  steady?: () => number,
): Promise<OpenedVault> {
  const opened = await open(choice, now, steady)
  try {
    await opened.vault.verifyKeys(keyMarks)
    return opened
  } catch (error) {
    await opened.vault.close()
    throw error
  }
}

async function open(
  choice: VaultChoice,
  now: () => number,
  steady: (() => number) | undefined,
): Promise<OpenedVault> {
  if (choice.kind === 'memory') {
    return { vault: createMemoryVault({ now }), warnings: ['sessions end with this process'] }
  }
  if (choice.kind === 'sqlite') {
    return { vault: openSqliteVault({ path: choice.path, now }), warnings: [] }
  }
  const { openRedisVault } = await import('./redis.ts')
  return await openRedisVault(choice, now, steady)
}
