// The sealing of records: AES-256-GCM under a key made of the server key and the ticket's secret, bound
// to what the record is. Neither a stolen store nor a stolen server key alone opens anything; altered,
// swapped or moved values do not open at all. No I/O, no clock; the randomness is passed in.

import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  hash,
  type KeyObject,
} from 'node:crypto'
import type { RecordId } from './vault.ts'

/** What a sealed value is bound to besides its keys. */
export interface SealAddress {
  recordId: RecordId
  /** Registration id. */
  ehr: string
  generation: number
  /** The ticket's secret. */
  secret: string
}

export interface Sealed {
  /** Id of the server key. */
  keyId: string
  value: Uint8Array
}

const FORMAT = 1
const PURPOSE = 'fhirstorm vault record'
const SALT_BYTES = 16
const NONCE_BYTES = 12
const TAG_BYTES = 16
const HEAD_BYTES = 1 + SALT_BYTES + NONCE_BYTES
const INDEX_BYTES = 16
/** The counter that HKDF-Expand puts after its info. */
const ONE = Buffer.of(1)

/** The id of a ticket's record: SHA-256, base64url. */
export function buildRecordId(ticketId: string): RecordId {
  return hash('sha256', `${PURPOSE} ${ticketId}`, 'base64url')
}

/**
 * Seals a value. Every sealing has a key of its own, from a fresh salt and the generation, so that no
 * key meets a nonce twice even where the randomness repeats itself (attacks V9).
 */
export function sealRecord(
  keyId: string,
  serverKey: KeyObject,
  address: SealAddress,
  plain: Uint8Array,
  randomBytes: (size: number) => Uint8Array,
): Sealed {
  const head = Buffer.concat([Buffer.of(FORMAT), randomBytes(SALT_BYTES + NONCE_BYTES)])
  const key = deriveRecordKey(serverKey, address, head.subarray(1, 1 + SALT_BYTES))
  const cipher = createCipheriv('aes-256-gcm', key, head.subarray(1 + SALT_BYTES))
  cipher.setAAD(buildContext(keyId, address))
  const body = cipher.update(plain)
  cipher.final()
  return { keyId, value: Buffer.concat([head, body, cipher.getAuthTag()]) }
}

/** The value as it was sealed at this address; undefined for anything else, whatever it is. */
export function openRecord(
  serverKey: KeyObject,
  address: SealAddress,
  { keyId, value }: Sealed,
): Buffer | undefined {
  const sealed = Buffer.from(value.buffer, value.byteOffset, value.byteLength)
  if (sealed.length < HEAD_BYTES + TAG_BYTES || sealed[0] !== FORMAT) return undefined
  const key = deriveRecordKey(serverKey, address, sealed.subarray(1, 1 + SALT_BYTES))
  const nonce = sealed.subarray(1 + SALT_BYTES, HEAD_BYTES)
  const end = sealed.length - TAG_BYTES
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES })
  decipher.setAAD(buildContext(keyId, address)).setAuthTag(sealed.subarray(end))
  const plain = decipher.update(sealed.subarray(HEAD_BYTES, end))
  try {
    decipher.final()
    return plain
  } catch {
    return undefined
  }
}

/** A keyed hash of an index entry (HMAC-SHA-256, its first 128 bits): tells nothing without the key. */
export function buildIndexKey(
  indexKey: KeyObject,
  kind: string,
  values: readonly string[],
): string {
  const mac = createHmac('sha256', indexKey)
    .update(encodeParts(kind, ...values))
    .digest()
  return mac.toString('base64url', 0, INDEX_BYTES)
}

// HKDF-Expand (RFC 5869), one block of it. The server key is itself HKDF's output, so nothing is left
// to extract; Node's whole HKDF would make opening a session a fifth dearer.
function deriveRecordKey(serverKey: KeyObject, address: SealAddress, salt: Buffer): KeyObject {
  const { recordId, generation, secret } = address
  const info = encodeParts('key', salt.toString('base64url'), recordId, generation, secret)
  return createSecretKey(createHmac('sha256', serverKey).update(info).update(ONE).digest())
}

function buildContext(keyId: string, { recordId, ehr, generation }: SealAddress): Buffer {
  return encodeParts(PURPOSE, FORMAT, keyId, recordId, ehr, generation)
}

// As JSON, so that no two lists are written alike, whatever stands in them.
function encodeParts(...parts: readonly (string | number)[]): Buffer {
  return Buffer.from(JSON.stringify(parts), 'utf8')
}
