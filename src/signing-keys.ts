// Keys by which fhirstorm signs for apps, one from each server key: with the ring they are added, promoted
// and retired, and no file of their own can be lost. Never among the keys that EHRs trust. P-256 from
// extra random bits (FIPS 186-5 A.2.1). No I/O, no clock.

import { createECDH, createPrivateKey, hash, hkdfSync, type KeyObject } from 'node:crypto'
import type { KeyRing, ServerKey } from './keys.ts'

export type SigningPurpose = 'facade id token' | 'api assertion' | 'audit seal'

export type PublicSigningJwk = Readonly<
  Record<'kty' | 'crv' | 'x' | 'y' | 'kid' | 'alg' | 'use', string>
>

export interface SigningKey {
  /** RFC 7638 thumbprint. */
  kid: string
  privateKey: KeyObject
  publicJwk: PublicSigningJwk
}

const CURVE = 'prime256v1'
const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n
const SCALAR_BYTES = 32
/** 64 bits more than the order has, so that every scalar is as likely as the next. */
const RANDOM_BYTES = 40

/** The ES256 keys of a purpose, the one in use first; all of them are to be published. */
export function deriveSigningKeys({ keys, epoch }: KeyRing, purpose: SigningPurpose): SigningKey[] {
  return keys.map(key => deriveSigningKey(key, `fhirstorm ${purpose} ${epoch}`))
}

/** The key set that verifiers fetch. */
export function buildSigningKeySet(keys: readonly SigningKey[]): { keys: PublicSigningJwk[] } {
  return { keys: keys.map(({ publicJwk }) => publicJwk) }
}

function deriveSigningKey({ secret }: ServerKey, info: string): SigningKey {
  const random = Buffer.from(hkdfSync('sha256', secret, '', info, RANDOM_BYTES))
  const scalar = (BigInt(`0x${random.toString('hex')}`) % (ORDER - 1n)) + 1n
  const d = Buffer.from(scalar.toString(16).padStart(2 * SCALAR_BYTES, '0'), 'hex')
  const pair = createECDH(CURVE)
  pair.setPrivateKey(d)
  const point = pair.getPublicKey()
  const x = point.subarray(1, 1 + SCALAR_BYTES).toString('base64url')
  const y = point.subarray(1 + SCALAR_BYTES).toString('base64url')
  const material = { crv: 'P-256', kty: 'EC', x, y }
  const kid = hash('sha256', JSON.stringify(material), 'base64url')
  const jwk = { ...material, d: d.toString('base64url') }
  return {
    kid,
    privateKey: createPrivateKey({ key: jwk, format: 'jwk' }),
    publicJwk: { ...material, kid, alg: 'ES256', use: 'sig' },
  }
}
