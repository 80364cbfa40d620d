// Our own signing keys for private_key_jwt: loaded from JWK, JWK set or PEM, proved at start, and
// published without their private members. Refuses weak RSA keys, other curves than P-384 and two keys
// of one name. No I/O, no clock (SMART App Launch 2.2, asymmetric client authentication).

import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto'
import { CompactSign, type CryptoKey, calculateJwkThumbprint, compactVerify, importJWK } from 'jose'
import type { ClientKey, ClientKeyAlg, PublicJwk } from './types.ts'

const MIN_RSA_BITS = 2048

/**
 * The private keys in a JWK set, a single JWK or a PEM text, in their order: the first that the EHR
 * can read signs; public keys beside them are passed over. Throws an Error fit for an operator, without
 * a word of the key, also for one that fails to sign and verify here and now.
 */
export async function parseClientKeys(text: string): Promise<ClientKey[]> {
  const keys = await Promise.all(listKeyTexts(text).map(parseClientKey))
  const kids = new Set(keys.map(key => key.kid))
  if (kids.size !== keys.length) throw new Error('two client keys have the same kid')
  return keys
}

function listKeyTexts(text: string): (string | Record<string, unknown>)[] {
  if (text.trimStart().startsWith('-----BEGIN')) return [text]
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch {
    throw new Error('a client key is neither JSON nor PEM')
  }
  if (!isRecord(parsed)) throw new Error('a client key must be a JWK, a JWK set or PEM')
  const list = Array.isArray(parsed.keys) ? parsed.keys : [parsed]
  if (!list.every(isRecord)) throw new Error('each key of the set must be a JWK')
  return list.filter(jwk => jwk.d !== undefined)
}

async function parseClientKey(source: string | Record<string, unknown>): Promise<ClientKey> {
  const jwk = typeof source === 'string' ? {} : source
  if (jwk.use !== undefined && jwk.use !== 'sig') throw new Error('a client key is not for signing')
  const key = readPrivateKey(source)
  const alg = chooseAlg(key, jwk.alg)
  const members = createPublicKey(key).export({ format: 'jwk' }) as Partial<PublicJwk>
  const kid = await nameKey(jwk.kid, members)
  const publicJwk = describePublicKey(members, kid, alg)
  return { kid, alg, privateKey: await proveKey(key, publicJwk), publicJwk }
}

function readPrivateKey(source: string | Record<string, unknown>): KeyObject {
  try {
    return typeof source === 'string'
      ? createPrivateKey(source)
      : createPrivateKey({ key: source, format: 'jwk' })
  } catch {
    throw new Error('a client key cannot be read as a private key')
  }
}

function chooseAlg(key: KeyObject, written: unknown): ClientKeyAlg {
  const { modulusLength = 0, namedCurve } = key.asymmetricKeyDetails ?? {}
  if (key.asymmetricKeyType === 'rsa' && modulusLength >= MIN_RSA_BITS) {
    if (written === undefined || written === 'RS384') return 'RS384'
    if (written === 'RS256') return 'RS256'
  }
  if (key.asymmetricKeyType === 'ec' && namedCurve === 'secp384r1') {
    if (written === undefined || written === 'ES384') return 'ES384'
  }
  throw new Error('a client key must be RSA of 2048 bits or more (RS384, RS256) or P-384 (ES384)')
}

async function nameKey(kid: unknown, members: Partial<PublicJwk>): Promise<string> {
  if (kid === undefined) return await calculateJwkThumbprint(members)
  if (typeof kid !== 'string' || !/^[\x21-\x7e]{1,256}$/.test(kid)) {
    throw new Error('the kid of a client key must be a short text without spaces')
  }
  return kid
}

function describePublicKey(
  { kty, n, e, crv, x, y }: Partial<PublicJwk>,
  kid: string,
  alg: ClientKeyAlg,
): PublicJwk {
  const material = kty === 'RSA' ? { kty, n, e } : { kty: 'EC' as const, crv, x, y }
  return { ...material, kid, alg, use: 'sig', key_ops: ['verify'] }
}

function webCryptoAlgOf(alg: ClientKeyAlg) {
  if (alg === 'ES384') return { name: 'ECDSA', namedCurve: 'P-384' }
  return { name: 'RSASSA-PKCS1-v1_5', hash: alg === 'RS256' ? 'SHA-256' : 'SHA-384' }
}

// Signs and verifies once, so that a mismatched pair stops the start and not the first login.
async function proveKey(key: KeyObject, publicJwk: PublicJwk): Promise<CryptoKey> {
  const { alg } = publicJwk
  try {
    const privateKey = key.toCryptoKey(webCryptoAlgOf(alg), false, ['sign'])
    const signed = await new CompactSign(Buffer.from('self-test'))
      .setProtectedHeader({ alg })
      .sign(privateKey)
    await compactVerify(signed, await importJWK({ ...publicJwk }, alg))
    return privateKey
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

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
