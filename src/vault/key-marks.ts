// Whether a store was sealed under the keys at hand. With a wrong ring every session would seem
// tampered with, so the start is refused and nothing is deleted (attacks V10). Pure.

import { VaultRefusal } from './refusal.ts'
import type { KeyMarks } from './vault.ts'

/** Throws VaultRefusal unless the ring shares a key with the one that the store was last used with. */
export function verifyKeyMarks(stored: KeyMarks, ring: KeyMarks): void {
  for (const [keyId, mark] of ring) {
    const known = stored.get(keyId)
    if (known !== undefined && known !== mark) {
      throw new VaultRefusal(`the vault was sealed under another key with the id ${keyId}`)
    }
  }
  if (stored.size > 0 && ![...ring.keys()].some(keyId => stored.has(keyId))) {
    throw new VaultRefusal('the vault was sealed under keys that are not in the key ring')
  }
}
