// The keys of a hostile EHR, and JWTs that are right or wrong in any way.

import {
  createHash,
  createHmac,
  generateKeyPairSync,
  type KeyObject,
  randomUUID,
  sign,
} from 'node:crypto'

export type Claims = Record<string, unknown>

export interface Signer {
  kid: string
  /** The public key as a member of a key set. */
  jwk: Record<string, unknown>
  /** A JWT with these claims; header members are laid over `{ alg: RS256, kid }`, undefined takes one out. */
  sign(claims: Claims, header?: Claims): string
}

/** A new RSA key. */
export function createSigner(bits = 2048): Signer {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: bits })
  const kid = randomUUID()
  const jwk = { ...publicKey.export({ format: 'jwk' }), kid, use: 'sig', alg: 'RS256' }
  return {
    ...{ kid, jwk },
    sign: (claims, header = {}) =>
      signWith({ privateKey, publicKey }, { alg: 'RS256', kid, ...header }, claims),
  }
}

function signWith(
  { privateKey, publicKey }: { privateKey: KeyObject; publicKey: KeyObject },
  header: Claims,
  claims: Claims,
): string {
  const body = `${encode(header)}.${encode(claims)}`
  if (header.alg === 'HS256') {
    const secret = publicKey.export({ type: 'spki', format: 'pem' })
    return `${body}.${createHmac('sha256', secret).update(body).digest('base64url')}`
  }
  if (/^none$/i.test(String(header.alg))) return `${body}.`
  return `${body}.${sign('sha256', Buffer.from(body), privateKey).toString('base64url')}`
}

function encode(members: Claims): string {
  return Buffer.from(JSON.stringify(members)).toString('base64url')
}

/** The left half of a digest, as in `at_hash`. */
export function halfHash(text: string): string {
  return createHash('sha256').update(text).digest().subarray(0, 16).toString('base64url')
}
