// Names for users that a log may hold: the same user at the same EHR has the same one as long as the server
// key is the same, and nobody without that key can say who it is.

import type { TokenSet } from '../smart/types.ts'
import type { RecordSealer } from './sealer.ts'

/** Names a user of an EHR; undefined where the EHR has not said who it is. */
export type NameUser = (ehr: string, tokens: Pick<TokenSet, 'identity'>) => string | undefined

const LENGTH = 12

/** Names users by the key in use. */
export function createUserNames(sealer: Pick<RecordSealer, 'indexes'>): NameUser {
  return (ehr, { identity }) =>
    nameOfEntry(identity && sealer.indexes('sub', ehr, identity.iss, identity.sub)[0])
}

/** The name of the user whose entry of an index this is. */
export function nameOfEntry(entry: string | undefined): string | undefined {
  return entry?.slice(0, LENGTH)
}
