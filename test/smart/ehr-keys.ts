// The signing keys of an EHR for tests, and JWTs made with them.

import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { createLocalJWKSet, type JWTVerifyGetKey, SignJWT } from 'jose'
import { start } from './answers.ts'

export interface EhrKey {
  kid: string
  alg: string
  privateKey: KeyObject
  publicKey: KeyObject
}

/** A fresh key for RS256 or ES384. */
export function makeEhrKey(kid: string, alg: 'RS256' | 'ES384' = 'ES384'): EhrKey {
  const pair =
    alg === 'RS256'
      ? generateKeyPairSync('rsa', { modulusLength: 2048 })
      : generateKeyPairSync('ec', { namedCurve: 'P-384' })
  return { kid, alg, ...pair }
}

/** The keys as an EHR publishes them; without `kid` where it names none. */
export function publish(keys: readonly EhrKey[], { named = true } = {}): JWTVerifyGetKey {
  return createLocalJWKSet({
    keys: keys.map(({ publicKey, kid }) => ({
      ...(publicKey.export({ format: 'jwk' }) as { kty: string }),
      ...(named ? { kid } : {}),
    })),
  })
}

export const nonce = 'n'.repeat(22)

/** The claims of an id_token that holds at `start`, with changes; undefined removes one. */
export function buildClaims(changes: Record<string, unknown> = {}): Record<string, unknown> {
  const seconds = start / 1000
  return {
    iss: 'https://ehr.test/oauth2',
    sub: 'user-1',
    aud: 'fhirstorm',
    iat: seconds,
    exp: seconds + 300,
    nonce,
    ...changes,
  }
}

/** Any claims as a JWT under any header, signed by this key. */
export async function sign(
  claims: Record<string, unknown>,
  key: EhrKey,
  header: Record<string, unknown> = {},
): Promise<string> {
  return await new SignJWT(claims)
    .setProtectedHeader({ alg: key.alg, kid: key.kid, ...header })
    .sign(key.privateKey)
}
