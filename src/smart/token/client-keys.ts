// Our own signing keys for private_key_jwt: loaded from a JWK or a JWK set, proved at start, and
// published without their private members. No I/O, no clock (SMART App Launch 2.2, asymmetric client authentication).

import { type CryptoKey, exportJWK, importJWK, type JWK } from 'jose'
import type { ClientKey, PublicJwk, Sign } from '../types.ts'
import {
  chooseAlg,
  describePublicKey,
  listJwks,
  nameKey,
  refuseSameNames,
  refuseWeakKey,
} from './public-jwk.ts'
import { signWith, verifies } from './signature.ts'

/**
 * The private keys in a JWK set or a single JWK, in their order: the first that the EHR
 * can read signs; public keys beside them are passed over. Throws an Error fit for an operator, without
 * a word of the key, also for one that fails to sign and verify here and now.
 */
export async function parseClientKeys(text: string): Promise<ClientKey[]> {
  const list = listJwks(text).filter(jwk => jwk.d !== undefined)
  const keys = await Promise.all(list.map(parseClientKey))
  refuseSameNames(keys)
  return keys
}

async function parseClientKey(jwk: Readonly<Record<string, unknown>>): Promise<ClientKey> {
  const alg = chooseAlg(jwk)
  const members = await readMembers(jwk, alg)
  const kid = await nameKey(jwk.kid, members)
  const publicJwk = describePublicKey(members, kid, alg)
  const sign = await proveKey(members, publicJwk)
  return { kid, alg, sign, publicJwk, ...(jwk.next === true ? { isNext: true } : {}) }
}

// Imported and exported again, so that what is published is what signs.
async function readMembers(jwk: Readonly<Record<string, unknown>>, alg: ClientKey['alg']) {
  const { key_ops: _operations, ext: _extractable, next: _next, ...bare } = jwk
  const key = await importJWK(bare as JWK, alg, { extractable: true }).catch(() => undefined)
  if (!key || key instanceof Uint8Array || key.type !== 'private') {
    throw new Error('a client key cannot be read as a private key')
  }
  refuseWeakKey((key.algorithm as { modulusLength?: number }).modulusLength)
  return await exportJWK(key)
}

// Signs and verifies once, so that a mismatched pair stops the start and not the first login.
async function proveKey(members: JWK, publicJwk: PublicJwk): Promise<Sign> {
  const { alg } = publicJwk
  const input = new TextEncoder().encode('self-test')
  try {
    const key = (await importJWK(members, alg, { extractable: false })) as CryptoKey
    const sign: Sign = bytes => signWith(key, alg, bytes)
    if (await verifies(await sign(input), input, publicJwk)) return sign
  } catch {
    // Told below, without a library's words.
  }
  throw new Error('a client key fails to verify what it signs')
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
