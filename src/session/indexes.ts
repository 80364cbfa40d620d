// How sessions are found by those who have no ticket of theirs: under keyed hashes of the browser, the
// EHR, the user, the login and the patient, made with every server key; and which logins the EHR has ended
// before there was a session to find. No clock; the vault and the keys are passed in.

import type { Head, RecordId, Vault } from '../vault/vault.ts'
import type { IndexKind, RecordSealer } from './sealer.ts'
import type { Session } from './session.ts'

/** Tells a patient's entries from those of users, which may stand in the same place. */
const OF_PATIENT = 'patient.'
const PLACE_OF_USER = 3

/** The entries under which a new session of this browser is found; records keep their order. */
export function buildIndexes(
  { ehr, tokens: { identity, context } }: Session,
  browser: string,
  sealer: RecordSealer,
): string[] {
  const first = (kind: IndexKind, ...values: string[]) =>
    sealer.indexes(kind, ...values)[0] as string
  const indexes = [first('browser', browser), first('browser-ehr', browser, ehr)]
  indexes.push(first('ehr', ehr))
  if (identity) {
    const { iss, sub, sid } = identity
    indexes.push(first('sub', ehr, iss, sub))
    indexes.push(
      sid === undefined ? first('sub-alone', ehr, iss, sub) : first('sid', ehr, iss, sid),
    )
  }
  const { patient } = context
  if (patient !== undefined) indexes.push(OF_PATIENT + first('patient', ehr, patient))
  return indexes
}

/** The user's entry among those of a record, where the EHR has said who it is. */
export function findUserEntry(entries: readonly string[]): string | undefined {
  const entry = entries[PLACE_OF_USER]
  return entry?.startsWith(OF_PATIENT) ? undefined : entry
}

/** The entries under which sessions are looked for, under every key. */
export function listEntries(
  sealer: Pick<RecordSealer, 'indexes'>,
  kind: IndexKind,
  values: readonly string[],
): string[] {
  const mark = kind === 'patient' ? OF_PATIENT : ''
  return sealer.indexes(kind, ...values).map(entry => mark + entry)
}

export interface SessionFinder {
  /** Live records under an index entry, most recently used first. */
  find(kind: IndexKind, ...values: string[]): Promise<readonly FoundSession[]>
  /** The same for who is about to end them: what was there and is gone, no process serves any more. */
  findToEnd(kind: IndexKind, ...values: string[]): Promise<readonly FoundSession[]>
  /** True when the record is gone and no process serves it any more; false while it lives. */
  isGone(recordId: RecordId): Promise<boolean>
  /** Notes that the EHR has ended a login, before its sessions are looked for: one may be just beginning. */
  noteLoginOver(ehr: string, iss: string, sid: string): Promise<void>
  /** Whether the EHR has ended the login of a session that was found by nobody yet. */
  isLoginOver(session: Session): Promise<boolean>
}

/** As long as the exchange of a code and the keys of an EHR may take, and a little more. */
const LOGIN_OVER_MS = 30_000

type FoundSession = { id: RecordId } & Head

/** Finds under the entries of every server key. */
export function createSessionFinder(
  vault: Pick<Vault, 'find' | 'isGone' | 'take' | 'isTaken' | 'now'>,
  sealer: Pick<RecordSealer, 'indexes'>,
): SessionFinder {
  return {
    find: (kind, ...values) => findUnder(listEntries(sealer, kind, values)),
    findToEnd: (kind, ...values) => findUnder(listEntries(sealer, kind, values), true),
    isGone: id => vault.isGone(id),
    async noteLoginOver(...login) {
      const [entry = ''] = listEntries(sealer, 'sid', login)
      await vault.take(overKey(entry), vault.now() + LOGIN_OVER_MS)
    },
    async isLoginOver({ ehr, tokens: { identity } }) {
      if (identity?.sid === undefined) return false
      const entries = listEntries(sealer, 'sid', [ehr, identity.iss, identity.sid])
      const notes = await Promise.all(entries.map(entry => vault.isTaken(overKey(entry))))
      return notes.includes(true)
    },
  }

  async function findUnder(entries: readonly string[], settled = false) {
    const found = await Promise.all(entries.map(entry => vault.find(entry, { settled })))
    const byId = new Map(found.flat().map(head => [head.id, head]))
    return [...byId.values()].sort((a, b) => b.lastUsedAt - a.lastUsedAt)
  }
}

function overKey(entry: string): string {
  return `login over ${entry}`
}
