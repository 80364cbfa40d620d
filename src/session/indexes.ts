// How sessions are found by those who have no ticket of theirs: under keyed hashes of the browser, the
// EHR, the user and the login, made with every server key. No clock; the vault and the keys
// are passed in.

import type { Head, Vault } from '../vault/vault.ts'
import type { IndexKind, RecordSealer } from './sealer.ts'
import type { Session } from './session.ts'

/** The entries under which a new session of this browser is found. */
export function buildIndexes(
  { ehr, tokens: { identity } }: Session,
  browser: string,
  sealer: RecordSealer,
): string[] {
  const first = (kind: IndexKind, ...values: string[]) =>
    sealer.indexes(kind, ...values)[0] as string
  const indexes = [first('browser', browser), first('browser-ehr', browser, ehr)]
  indexes.push(first('ehr', ehr))
  if (identity) indexes.push(first('sub', ehr, identity.iss, identity.sub))
  if (identity?.sid !== undefined) indexes.push(first('sid', ehr, identity.iss, identity.sid))
  return indexes
}

/** Live records under an entry, most recently used first. */
export async function findRecords(
  vault: Pick<Vault, 'find'>,
  entries: readonly string[],
): Promise<readonly ({ id: string } & Head)[]> {
  const found = await Promise.all(entries.map(entry => vault.find(entry)))
  const byId = new Map(found.flat().map(head => [head.id, head]))
  return [...byId.values()].sort((a, b) => b.lastUsedAt - a.lastUsedAt)
}
