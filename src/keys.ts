// The key ring: server keys with overlap, the one in use first. Every purpose has keys of its own,
// derived from these, so that what is sealed or signed for one can never pass for another (attacks
// D9). Messages name what is wrong, never key material. No I/O; the clock and the randomness may be
// passed in.

import {
  createHmac,
  createSecretKey,
  hkdfSync,
  type KeyObject,
  randomBytes as randomBytesOfNode,
} from 'node:crypto'
import { findKeyWeakness } from './strength.ts'

export interface ServerKey {
  /** Short random name; stands beside everything sealed under this key. */
  id: string
  createdAt: number
  /** 32 bytes. */
  secret: Buffer
  /** It opens and verifies already, and does not seal or sign before every process knows it. */
  isNext?: true
  /** When it became the one in use, where that was not at once. */
  usedSince?: number
}

export interface KeyRing {
  keys: readonly [ServerKey, ...ServerKey[]]
  /** Counts up when all that was sealed or signed so far is to be void, whatever came back (attacks V17). */
  epoch: number
  /** Private JWKs for private_key_jwt, where registrations name none of their own. */
  clientKeys: readonly object[]
}

export type KeyPurpose =
  | 'ticket cookie'
  | 'launch cookie'
  | 'state'
  | 'vault record'
  | 'vault index'
  | 'vault check'
  | 'way to the logout'
  | 'audit parameters'

const KEY_BYTES = 32
const ID = /^[A-Za-z0-9_-]{4,32}$/

/** Reads a key ring file; throws an Error for the operator, with not a word of the keys. */
export function parseKeyRing(text: string): KeyRing {
  const document = parseJson(text)
  if (document.version !== 1) throw new Error('not a key ring of version 1')
  const entries = Array.isArray(document.keys) ? document.keys : []
  const [first, ...rest] = entries.map((entry: unknown, i) => parseServerKey(entry, i))
  if (!first) throw new Error('the key ring has no key')
  const ids = new Set(entries.map(entry => (entry as { id: string }).id))
  if (ids.size !== entries.length) throw new Error('two keys have the same id')
  const secrets = new Set(entries.map(entry => (entry as { secret: string }).secret))
  if (secrets.size !== entries.length) throw new Error('two keys have the same secret')
  const epoch = parseEpoch(document.epoch)
  return { keys: [first, ...rest], epoch, clientKeys: parseClientKeys(document.clientKeys) }
}

/** A new ring of one random key; this machine's clock and randomness make it unless told. */
export function makeKeyRing(
  now: number = Date.now(),
  randomBytes: (size: number) => Buffer = randomBytesOfNode,
): KeyRing {
  return { keys: [makeServerKey(now, randomBytes)], epoch: 0, clientKeys: [] }
}

/** The ring with which no cookie, state or record of before opens; a vault still knows its keys. */
export function beginEpoch(ring: KeyRing): KeyRing {
  return { ...ring, epoch: ring.epoch + 1 }
}

/** The text of a key ring file. */
export function printKeyRing({ keys, epoch, clientKeys }: KeyRing): string {
  const entries = keys.map(({ id, createdAt, secret, isNext, usedSince }) => ({
    id,
    createdAt: new Date(createdAt).toISOString(),
    ...(isNext ? { next: true } : {}),
    ...(usedSince === undefined ? {} : { usedSince: new Date(usedSince).toISOString() }),
    secret: secret.toString('base64url'),
  }))
  const members = { version: 1, ...(epoch > 0 ? { epoch } : {}), keys: entries, clientKeys }
  return `${JSON.stringify(members, null, 2)}\n`
}

/** One 32-byte key for a purpose in an epoch, from one server key (HKDF with SHA-256). */
export function deriveKey({ secret }: ServerKey, purpose: KeyPurpose, epoch = 0): Buffer {
  const info = `fhirstorm ${purpose}${epoch > 0 ? ` ${epoch}` : ''}`
  return Buffer.from(hkdfSync('sha256', secret, '', info, KEY_BYTES))
}

/** The keys of a purpose under every server key, the one in use first. */
export function deriveKeys({ keys, epoch }: KeyRing, purpose: KeyPurpose): Buffer[] {
  return keys.map(key => deriveKey(key, purpose, epoch))
}

/** The same as KeyObjects by server key id: five times cheaper per use than raw bytes. */
export function deriveKeyObjects(
  { keys, epoch }: KeyRing,
  purpose: KeyPurpose,
): Map<string, KeyObject> {
  return new Map(keys.map(key => [key.id, createSecretKey(deriveKey(key, purpose, epoch))]))
}

/** A mark of each key by id, by which a vault knows it again in any epoch; tells nothing of the key. */
export function buildKeyMarks({ keys }: KeyRing): Map<string, string> {
  return new Map(
    keys.map(key => {
      const mark = createHmac('sha256', deriveKey(key, 'vault check')).update(key.id)
      return [key.id, mark.digest('base64url')]
    }),
  )
}

function parseEpoch(value: unknown = 0): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value
  throw new Error('the epoch of the ring must be a whole number')
}

/** A server key of random bytes. */
export function makeServerKey(now: number, randomBytes: (size: number) => Buffer): ServerKey {
  return {
    id: randomBytes(6).toString('base64url'),
    createdAt: now,
    secret: randomBytes(KEY_BYTES),
  }
}

function parseServerKey(entry: unknown, i: number): ServerKey {
  const { id, createdAt, usedSince, next, secret } = (entry ?? {}) as Record<string, unknown>
  const place = `key ${i + 1} of the ring`
  if (typeof id !== 'string' || !ID.test(id)) throw new Error(`${place} has no proper id`)
  const made = parseTime(createdAt)
  if (Number.isNaN(made)) throw new Error(`${place} has no proper createdAt`)
  const used = usedSince === undefined ? undefined : parseTime(usedSince)
  if (Number.isNaN(used)) throw new Error(`${place} has no proper usedSince`)
  if (next !== undefined && (next !== true || i === 0)) {
    throw new Error(`${place} cannot be the next one: the first is the one in use`)
  }
  const bytes = Buffer.from(typeof secret === 'string' ? secret : '', 'base64url')
  if (bytes.length !== KEY_BYTES || bytes.toString('base64url') !== secret) {
    throw new Error(`${place} must be exactly ${KEY_BYTES} bytes, base64url`)
  }
  const weakness = findKeyWeakness(bytes)
  if (weakness !== undefined) {
    throw new Error(`${place} is no random key (${weakness}): fhirstorm keys make`)
  }
  return {
    ...{ id, createdAt: made, secret: bytes },
    ...(next ? { isNext: true } : {}),
    ...(used === undefined ? {} : { usedSince: used }),
  }
}

function parseTime(value: unknown): number {
  return typeof value === 'string' ? Date.parse(value) : Number.NaN
}

// What is inside each is judged where it is used.
function parseClientKeys(entries: unknown = []): object[] {
  if (Array.isArray(entries) && entries.every(entry => typeof entry === 'object' && entry)) {
    return entries
  }
  throw new Error('clientKeys of the ring must be a list of JWKs')
}

function parseJson(text: string): Record<string, unknown> {
  try {
    const document: unknown = JSON.parse(text)
    if (typeof document === 'object' && document !== null) {
      return document as Record<string, unknown>
    }
  } catch {
    // Said below: the parser's own message would quote the file.
  }
  throw new Error('the key ring is not JSON')
}
