// The judge of an id_token that comes with a refresh. One that says something else than the first one
// did ends the session, signed or not; one that lacks claims or cannot be verified is set aside with
// a warning, for the new refresh token must be kept. Keys and time are passed in (OIDC Core 12.2).

import { decodeJwt, type JWTPayload } from 'jose'
import { BrokerError } from '../../errors.ts'
import { isAbsent } from '../absent.ts'
import type { TokenSet } from '../types.ts'
import { type IdTokenCheck, verifyJwt } from './id-token.ts'

export interface RefreshedIdToken {
  contradicts: boolean
  /** To be kept as the hint for logging out. */
  idToken?: string
  warnings: string[]
}

/** Holds a refreshed id_token against the one of the login; never throws. */
export async function judgeRefreshedIdToken(
  idToken: string | undefined,
  tokens: TokenSet,
  check: IdTokenCheck,
): Promise<RefreshedIdToken> {
  if (idToken === undefined || tokens.idToken === undefined) {
    return { contradicts: false, warnings: [] }
  }
  const claims = decode(idToken)
  if (!claims) return setAside()
  if (contradicts(claims, decodeJwt(tokens.idToken))) return { contradicts: true, warnings: [] }
  try {
    await verifyJwt(idToken, check, { requiredClaims: ['iss', 'sub', 'aud', 'exp', 'iat'] })
  } catch (error) {
    if (error instanceof BrokerError) return setAside()
    throw error
  }
  return { contradicts: false, idToken, warnings: [] }
}

function setAside(): RefreshedIdToken {
  return { contradicts: false, warnings: ['refreshed id_token set aside'] }
}

// A claim that is not there says nothing; one that is there must say what it said before.
function contradicts(claims: JWTPayload, before: JWTPayload): boolean {
  return ['iss', 'sub', 'aud', 'nonce'].some(name => {
    const value = claims[name]
    return !isAbsent(value) && canonical(value) !== canonical(before[name])
  })
}

function canonical(value: unknown): string {
  const values: unknown[] = Array.isArray(value) ? value : [value]
  return JSON.stringify(values.map(item => JSON.stringify(item) ?? '').sort())
}

function decode(idToken: string): JWTPayload | undefined {
  try {
    return decodeJwt(idToken)
  } catch {
    return undefined
  }
}
