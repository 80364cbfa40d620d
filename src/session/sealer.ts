// The sealing of sessions with a key ring: new records under the key in use, old ones under the key
// they name, index entries under each.

import { randomBytes } from 'node:crypto'
import { deriveKeyObjects, type KeyRing } from '../keys.ts'
import { buildIndexKey, buildRecordId, openRecord, sealRecord } from '../vault/seal.ts'

/** By what sessions are found without a ticket. */
type Browsers = 'browser' | 'browser-ehr'
/** `sub-alone` is a user's too, of sessions whose login the EHR has given no `sid`. */
export type IndexKind = Browsers | 'issued' | 'sid' | 'sub' | 'sub-alone' | 'ehr' | 'patient'

/** Sealing bound to one record: id, registration, generation, and the ticket's secret. */
export interface RecordSealer {
  recordId(sessionId: string): string
  seal(address: RecordAddress, plain: Uint8Array): { keyId: string; value: Uint8Array }
  open(address: RecordAddress, sealed: { keyId: string; value: Uint8Array }): Uint8Array | undefined
  /** Keyed hashes of an index entry under every server key, the one in use first. */
  indexes(kind: IndexKind, ...values: string[]): readonly string[]
}

export interface RecordAddress {
  recordId: string
  ehr: string
  generation: number
  secret: string
}

/** Binds a key ring's record and index keys; the first key of the ring seals. */
export function createRecordSealer(ring: KeyRing): RecordSealer {
  const recordKeys = deriveKeyObjects(ring, 'vault record')
  const indexKeys = [...deriveKeyObjects(ring, 'vault index').values()]
  const [{ id: current }] = ring.keys
  const currentKey = recordKeys.get(current)
  if (!currentKey) throw new TypeError('the ring has no key in use')

  return {
    recordId: buildRecordId,
    seal: (address, plain) => sealRecord(current, currentKey, address, plain, randomBytes),
    open(address, sealed) {
      const key = recordKeys.get(sealed.keyId)
      return key && openRecord(key, address, sealed)
    },
    indexes: (kind, ...values) => indexKeys.map(key => buildIndexKey(key, kind, values)),
  }
}
