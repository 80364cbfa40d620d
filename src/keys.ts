// The key ring: server keys with overlap, the one in use first. Every purpose has keys of its own,
// derived from these, so that what is sealed or signed for one can never pass for another (attacks
// D9). Messages name what is wrong, never key material. No I/O; the clock and the randomness are
// passed in.

import { createHmac, createSecretKey, hkdfSync, type KeyObject } from 'node:crypto'
import { findKeyWeakness } from './strength.ts'

export interface ServerKey {
  /** Short random name; stands beside everything sealed under this key. */
  id: string
  createdAt: number
  /** 32 bytes. */
  secret: Buffer
}

export interface KeyRing {
  keys: readonly [ServerKey, ...ServerKey[]]
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
  return { keys: [first, ...rest], clientKeys: parseClientKeys(document.clientKeys) }
}

/** A new ring of one random key. */
export function makeKeyRing(now: number, randomBytes: (size: number) => Buffer): KeyRing {
  return { keys: [makeServerKey(now, randomBytes)], clientKeys: [] }
}

/**
 * The ring with a new key in front; old keys stay while sessions sealed under them may live, that is
 * for `keepMs` after the key that replaced them was made.
 */
export function rotateKeyRing(
  ring: KeyRing,
  {
    now,
    keepMs,
    randomBytes,
  }: {
    now: number
    keepMs: number
    randomBytes: (size: number) => Buffer
  },
): KeyRing {
  const kept = ring.keys.filter((_key, i) => {
    const successor = ring.keys[i - 1]
    return successor === undefined || now - successor.createdAt < keepMs
  })
  return { ...ring, keys: [makeServerKey(now, randomBytes), ...kept] }
}

/**
 * Client keys after a rotation: the key published last time signs now, the one that signed stays
 * published, and the fresh one is published for the next time, so that an EHR that has cached our key
 * set is never asked to trust a key it has not seen (SMART: publish current and next together).
 */
export function rotateClientKeys(keys: readonly object[], fresh: object): object[] {
  const [signing] = keys
  const next = keys.length > 1 ? keys.at(-1) : undefined
  if (!signing) return [fresh]
  return next ? [next, signing, fresh] : [signing, fresh]
}

/** The text of a key ring file. */
export function printKeyRing({ keys, clientKeys }: KeyRing): string {
  const entries = keys.map(({ id, createdAt, secret }) => ({
    id,
    createdAt: new Date(createdAt).toISOString(),
    secret: secret.toString('base64url'),
  }))
  return `${JSON.stringify({ version: 1, keys: entries, clientKeys }, null, 2)}\n`
}

/** One 32-byte key for a purpose, from one server key (HKDF with SHA-256). */
export function deriveKey({ secret }: ServerKey, purpose: KeyPurpose): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, '', `fhirstorm ${purpose}`, KEY_BYTES))
}

/** The keys of a purpose under every server key, the one in use first. */
export function deriveKeys({ keys }: KeyRing, purpose: KeyPurpose): Buffer[] {
  return keys.map(key => deriveKey(key, purpose))
}

/** The same as KeyObjects by server key id: five times cheaper per use than raw bytes. */
export function deriveKeyObjects({ keys }: KeyRing, purpose: KeyPurpose): Map<string, KeyObject> {
  return new Map(keys.map(key => [key.id, createSecretKey(deriveKey(key, purpose))]))
}

/** A mark of each key by id, which a vault keeps to know the key again; tells nothing of it. */
export function buildKeyMarks({ keys }: KeyRing): Map<string, string> {
  return new Map(
    keys.map(key => {
      const mark = createHmac('sha256', deriveKey(key, 'vault check')).update(key.id)
      return [key.id, mark.digest('base64url')]
    }),
  )
}

function makeServerKey(now: number, randomBytes: (size: number) => Buffer): ServerKey {
  return {
    id: randomBytes(6).toString('base64url'),
    createdAt: now,
    secret: randomBytes(KEY_BYTES),
  }
}

function parseServerKey(entry: unknown, i: number): ServerKey {
  const { id, createdAt, secret } = (entry ?? {}) as Record<string, unknown>
  const place = `key ${i + 1} of the ring`
  if (typeof id !== 'string' || !ID.test(id)) throw new Error(`${place} has no proper id`)
  const made = typeof createdAt === 'string' ? Date.parse(createdAt) : Number.NaN
  if (Number.isNaN(made)) throw new Error(`${place} has no proper createdAt`)
  const bytes = Buffer.from(typeof secret === 'string' ? secret : '', 'base64url')
  if (bytes.length !== KEY_BYTES || bytes.toString('base64url') !== secret) {
    throw new Error(`${place} must be exactly ${KEY_BYTES} bytes, base64url`)
  }
  const weakness = findKeyWeakness(bytes)
  if (weakness !== undefined) {
    throw new Error(`${place} is no random key (${weakness}): fhirstorm keys make`)
  }
  return { id, createdAt: made, secret: bytes }
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
