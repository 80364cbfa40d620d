// Signatures over the heads of a chain, by keys that come from the key ring: whoever can write the file, and
// has not the ring, makes no line and no end that counts. Verified with the public keys alone. No I/O.

import { createPublicKey, type KeyObject, sign, verify } from 'node:crypto'
import type { PublicSigningJwk, SigningKey } from '../signing-keys.ts'
import { isRecord } from '../smart/json.ts'
import type { Head, Signature } from './chain.ts'

/** What is signed: a line of a chain within, the noted end of one, or what else is noted of it. */
export interface Sealed extends Head {
  /** Name of the chain's file, without its folder. */
  name: string
  /** Members of a note besides; none for a line. */
  note?: string
}

/** Signs heads. */
export type Sealer = (sealed: Sealed) => Signature

/** Whether a signature is one by these keys; `unknown` where they have not the one that it names. */
export type JudgeSeal = (sealed: Sealed, signature: Signature) => 'good' | 'bad' | 'unknown'

/** The sealer of the key in use, the first of those given. */
export function createSealer([key]: readonly SigningKey[]): Sealer {
  if (key === undefined) throw new TypeError('no key to seal with')
  const { kid, privateKey } = key
  const options = { key: privateKey, dsaEncoding: 'ieee-p1363' } as const
  return sealed => ({
    kid,
    signature: sign('sha256', Buffer.from(print(sealed)), options).toString('base64url'),
  })
}

/** Judges signatures by public keys. */
export function createSealJudge(keys: readonly PublicSigningJwk[]): JudgeSeal {
  const known = new Map<string, KeyObject>(
    keys.map(jwk => [jwk.kid, createPublicKey({ key: jwk, format: 'jwk' })]),
  )
  return (sealed, { kid, signature }) => {
    const key = known.get(kid)
    if (key === undefined) return 'unknown'
    const options = { key, dsaEncoding: 'ieee-p1363' } as const
    const bytes = Buffer.from(signature, 'base64url')
    return verify('sha256', Buffer.from(print(sealed)), options, bytes) ? 'good' : 'bad'
  }
}

/** The keys of a JWK set that can have sealed something; throws an Error for the operator where it is none. */
export function parseSealKeys(text: string): PublicSigningJwk[] {
  let document: unknown
  try {
    document = JSON.parse(text)
  } catch {
    throw new Error('not a key set')
  }
  if (!isRecord(document) || !Array.isArray(document.keys)) throw new Error('not a key set')
  const keys = document.keys.filter(
    (key): key is PublicSigningJwk =>
      isRecord(key) && key.kty === 'EC' && key.crv === 'P-256' && typeof key.kid === 'string',
  )
  if (keys.length === 0) throw new Error('a key set without a key that seals')
  return keys
}

// The words differ, so that no signature within a chain passes for that of its end.
function print({ name, count, hash, note }: Sealed): string {
  const kind = note === undefined ? 'line' : 'end'
  return `fhirstorm audit ${kind}\n${name}\n${count}\n${hash}\n${note ?? ''}`
}
