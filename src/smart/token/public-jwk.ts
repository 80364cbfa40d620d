// What a client key says of itself: its algorithm, its name, and the public half that is published. Refuses weak RSA
// keys and other curves than P-384. No I/O, no clock (SMART App Launch 2.2, asymmetric client authentication).

import { calculateJwkThumbprint, type JWK } from 'jose'
import { isRecord } from '../json.ts'
import type { ClientKeyAlg, PublicJwk } from '../types.ts'

type Members = Readonly<Record<string, unknown>>

const MIN_RSA_BITS = 2048

/** The keys in a JWK set, or the one JWK; throws an Error fit for an operator. */
export function listJwks(text: string): Members[] {
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch {
    throw new Error('a client key is neither JSON nor PEM')
  }
  if (!isRecord(parsed)) throw new Error('a client key must be a JWK, a JWK set or PEM')
  const list: unknown[] = Array.isArray(parsed.keys) ? parsed.keys : [parsed]
  if (!list.every(isRecord)) throw new Error('each key of the set must be a JWK')
  return list
}

/** The algorithm that a key signs with; throws for a key that is not for that, or not among ours. */
export function chooseAlg({ kty, crv, alg, use }: Members): ClientKeyAlg {
  if (use !== undefined && use !== 'sig') throw new Error('a client key is not for signing')
  if (kty === 'RSA') {
    if (alg === undefined || alg === 'RS384') return 'RS384'
    if (alg === 'RS256') return 'RS256'
  }
  if (kty === 'EC' && crv === 'P-384' && (alg === undefined || alg === 'ES384')) return 'ES384'
  throw weakKey()
}

/** Throws for an RSA key of too few bits; `members` are exported ones. */
export function refuseWeakKey(modulusLength: number | undefined): void {
  if (modulusLength !== undefined && modulusLength < MIN_RSA_BITS) throw weakKey()
}

function weakKey(): Error {
  return new Error('a client key must be RSA of 2048 bits or more (RS384, RS256) or P-384 (ES384)')
}

/** The given name of a key, or its thumbprint; throws for a name that is no short text. */
export async function nameKey(kid: unknown, members: JWK): Promise<string> {
  if (kid === undefined) return await calculateJwkThumbprint(members)
  if (typeof kid !== 'string' || !/^[\x21-\x7e]{1,256}$/.test(kid)) {
    throw new Error('the kid of a client key must be a short text without spaces')
  }
  return kid
}

/** The public half alone, as it is published. */
export function describePublicKey(
  { kty, n, e, crv, x, y }: JWK,
  kid: string,
  alg: ClientKeyAlg,
): PublicJwk {
  const material = kty === 'RSA' ? { kty: 'RSA' as const, n, e } : { kty: 'EC' as const, crv, x, y }
  return { ...material, kid, alg, use: 'sig', key_ops: ['verify'] }
}

/** Throws where two keys have one name. */
export function refuseSameNames(keys: readonly { kid: string }[]): void {
  const kids = new Set(keys.map(({ kid }) => kid))
  if (kids.size !== keys.length) throw new Error('two client keys have the same kid')
}
