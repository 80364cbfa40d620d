// Our own signing keys for private_key_jwt: loaded from a JWK or a JWK set, proved at start, and
// published without their private members. Refuses weak RSA keys, other curves than P-384 and two keys
// of one name. No I/O, no clock (SMART App Launch 2.2, asymmetric client authentication).

import {
  CompactSign,
  type CryptoKey,
  calculateJwkThumbprint,
  compactVerify,
  exportJWK,
  importJWK,
  type JWK,
} from 'jose'
import { isRecord } from '../json.ts'
import type { ClientKey, ClientKeyAlg, PublicJwk } from '../types.ts'

const MIN_RSA_BITS = 2048

/**
 * The private keys in a JWK set or a single JWK, in their order: the first that the EHR
 * can read signs; public keys beside them are passed over. Throws an Error fit for an operator, without
 * a word of the key, also for one that fails to sign and verify here and now.
 */
export async function parseClientKeys(text: string): Promise<ClientKey[]> {
  const keys = await Promise.all(listKeys(text).map(parseClientKey))
  const kids = new Set(keys.map(key => key.kid))
  if (kids.size !== keys.length) throw new Error('two client keys have the same kid')
  return keys
}

function listKeys(text: string): Readonly<Record<string, unknown>>[] {
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch {
    throw new Error('a client key is neither JSON nor PEM')
  }
  if (!isRecord(parsed)) throw new Error('a client key must be a JWK, a JWK set or PEM')
  const list: unknown[] = Array.isArray(parsed.keys) ? parsed.keys : [parsed]
  if (!list.every(isRecord)) throw new Error('each key of the set must be a JWK')
  return list.filter(jwk => jwk.d !== undefined)
}

async function parseClientKey(jwk: Readonly<Record<string, unknown>>): Promise<ClientKey> {
  if (jwk.use !== undefined && jwk.use !== 'sig') throw new Error('a client key is not for signing')
  const alg = chooseAlg(jwk)
  const members = await readMembers(jwk, alg)
  const kid = await nameKey(jwk.kid, members)
  const publicJwk = describePublicKey(members, kid, alg)
  const privateKey = await proveKey(members, publicJwk)
  return { kid, alg, privateKey, publicJwk, ...(jwk.next === true ? { isNext: true } : {}) }
}

function chooseAlg({ kty, crv, alg }: Readonly<Record<string, unknown>>): ClientKeyAlg {
  if (kty === 'RSA') {
    if (alg === undefined || alg === 'RS384') return 'RS384'
    if (alg === 'RS256') return 'RS256'
  }
  if (kty === 'EC' && crv === 'P-384' && (alg === undefined || alg === 'ES384')) return 'ES384'
  throw weakKey()
}

// Imported and exported again, so that what is published is what signs.
async function readMembers(jwk: Readonly<Record<string, unknown>>, alg: ClientKeyAlg) {
  const { key_ops: _operations, ext: _extractable, next: _next, ...bare } = jwk
  const key = await importJWK(bare as JWK, alg, { extractable: true }).catch(() => undefined)
  if (!key || key instanceof Uint8Array || key.type !== 'private') {
    throw new Error('a client key cannot be read as a private key')
  }
  const { modulusLength } = key.algorithm as { modulusLength?: number }
  if (modulusLength !== undefined && modulusLength < MIN_RSA_BITS) throw weakKey()
  return await exportJWK(key)
}

function weakKey(): Error {
  return new Error('a client key must be RSA of 2048 bits or more (RS384, RS256) or P-384 (ES384)')
}

async function nameKey(kid: unknown, members: JWK): Promise<string> {
  if (kid === undefined) return await calculateJwkThumbprint(members)
  if (typeof kid !== 'string' || !/^[\x21-\x7e]{1,256}$/.test(kid)) {
    throw new Error('the kid of a client key must be a short text without spaces')
  }
  return kid
}

function describePublicKey(
  { kty, n, e, crv, x, y }: JWK,
  kid: string,
  alg: ClientKeyAlg,
): PublicJwk {
  const material = kty === 'RSA' ? { kty: 'RSA' as const, n, e } : { kty: 'EC' as const, crv, x, y }
  return { ...material, kid, alg, use: 'sig', key_ops: ['verify'] }
}

// Signs and verifies once, so that a mismatched pair stops the start and not the first login.
async function proveKey(members: JWK, publicJwk: PublicJwk): Promise<CryptoKey> {
  const { alg } = publicJwk
  try {
    const key = await importJWK(members, alg, { extractable: false })
    const signed = await new CompactSign(new TextEncoder().encode('self-test'))
      .setProtectedHeader({ alg })
      .sign(key)
    await compactVerify(signed, await importJWK({ ...publicJwk }, alg))
    return key as CryptoKey
  } catch {
    throw new Error('a client key fails to verify what it signs')
  }
}

/**
 * The public key set of these keys, one entry for a key that several registrations share. Throws when
 * two different keys have one kid: an EHR could then pick the wrong one (AS-16).
 */
export function buildPublicKeySet(keys: readonly ClientKey[]): { keys: PublicJwk[] } {
  const published = new Map<string, PublicJwk>()
  for (const { kid, publicJwk } of keys) {
    const earlier = published.get(kid)
    if (earlier && JSON.stringify(earlier) !== JSON.stringify(publicJwk)) {
      throw new Error(`two different client keys have the kid ${kid}`)
    }
    published.set(kid, publicJwk)
  }
  return { keys: [...published.values()] }
}
