// The sealing of sessions with a key ring: new records under the key in use, old ones under the key
// they name, index entries under each.

import { randomBytes } from 'node:crypto'
import { deriveKeyObjects, type KeyRing } from '../keys.ts'
import { buildIndexKey, buildRecordId, openRecord, sealRecord } from '../vault/seal.ts'
import type { RecordSealer } from './store.ts'

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
