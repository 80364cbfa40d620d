// Opens the configured vault and proves that its records are sealed under keys of this ring: with a
// wrong ring every session would seem tampered with, so the start is refused and nothing is deleted.
// The store and the clock are passed in; Redis is loaded only when it is configured.

import { createMemoryVault } from './memory.ts'
import type { RedisVaultChoice } from './redis.ts'
import { VaultRefusal } from './refusal.ts'
import { openSqliteVault } from './sqlite.ts'
import type { Vault } from './vault.ts'

export type VaultChoice =
  | { kind: 'memory' }
  | { kind: 'sqlite'; path: string }
  | ({ kind: 'redis' } & RedisVaultChoice)

export interface OpenedVault {
  vault: Vault
  /** What an operator should know of the store, in fixed words. */
  warnings: readonly string[]
}

/** Opens the vault; throws VaultRefusal when it cannot be used with these keys. */
export async function openVault(
  choice: VaultChoice,
  keyMarks: ReadonlyMap<string, string>,
  now: () => number,
): Promise<OpenedVault> {
  const opened = await open(choice, now)
  try {
    await checkKeys(opened.vault, keyMarks)
  } catch (error) {
    await opened.vault.close()
    throw error
  }
  return opened
}

async function open(choice: VaultChoice, now: () => number): Promise<OpenedVault> {
  if (choice.kind === 'memory') {
    return { vault: createMemoryVault({ now }), warnings: ['sessions end with this process'] }
  }
  if (choice.kind === 'redis') {
    const { openRedisVault } = await import('./redis.ts')
    const { vault, warnings } = await openRedisVault(choice, now)
    return { vault, warnings }
  }
  return { vault: openSqliteVault({ path: choice.path, now }), warnings: [] }
}

async function checkKeys(vault: Vault, own: ReadonlyMap<string, string>): Promise<void> {
  const stored = await vault.keyMarks()
  for (const [keyId, mark] of own) {
    const known = stored.get(keyId)
    if (known !== undefined && known !== mark) {
      throw new VaultRefusal(`the vault was sealed under another key of the name ${keyId}`)
    }
  }
  if (stored.size > 0 && ![...own.keys()].some(keyId => stored.has(keyId))) {
    throw new VaultRefusal('the vault was sealed under keys that are not in the key ring')
  }
  for (const [keyId, mark] of own) await vault.markKey(keyId, mark)
}
