// The judge of id_tokens: signature by the EHR's own keys, a list of asymmetric algorithms, issuer set,
// audience, nonce, times within sixty seconds unless a quirk says more. Keys inside the token are never
// looked at, an encrypted one is refused. Time and keys are passed in (OIDC Core 3.1.3.7; SC-35, SC-38;
// attacks I).

import {
  type CryptoKey,
  errors,
  type JWTPayload,
  type JWTVerifyOptions,
  type JWTVerifyResult,
  jwtVerify,
} from 'jose'
import { BrokerError } from '../../errors.ts'
import { isAbsent } from '../absent.ts'
import { digestText } from '../digest.ts'
import { listSpellings } from '../issuer.ts'
import type { AuthorizationServer, Identity, Registration } from '../types.ts'
import { resolveFhirUser } from './fhir-user.ts'
import type { EhrKeys } from './jwks.ts'

/** An id_token is made for the login at hand; clocks of EHRs are not that far off. */
const MAX_AGE_SECONDS = 3600
const MAX_CLAIM_LENGTH = 256
const ASYMMETRIC = [
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  ...['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'],
]

export interface IdTokenCheck {
  registration: Registration
  server: AuthorizationServer
  /** The EHR's keys; without any nothing can be verified. */
  keys: EhrKeys | undefined
  now: () => number
}

/**
 * Who logged in, from an id_token that holds. Refuses with `bad_id_token`; what the key set itself
 * refuses (`bad_jwks`, `issuer_busy`, the egress' codes) passes through.
 */
export async function verifyIdToken(
  idToken: string,
  expected: { nonce: string; accessToken: string },
  check: IdTokenCheck,
): Promise<Identity> {
  const { payload, protectedHeader } = await verifyJwt(idToken, check, {
    requiredClaims: ['iss', 'sub', 'aud', 'exp', 'iat'],
    maxTokenAge: MAX_AGE_SECONDS,
  })
  const { alg } = protectedHeader
  if (!isJwt(protectedHeader.typ)) throw refuse('typ')
  checkAudience(payload, check)
  if (payload.nonce !== expected.nonce) throw refuse('nonce')
  if (
    !isAbsent(payload.at_hash) &&
    payload.at_hash !== (await hashToken(expected.accessToken, alg))
  ) {
    throw refuse('at_hash')
  }
  return buildIdentity(payload, check.registration)
}

/**
 * Verifies what every JWT of an EHR must hold: signature, listed algorithm, one of its issuers, us
 * among the audience, times. Refuses with `bad_id_token`.
 */
export async function verifyJwt(
  text: string,
  { registration, server, keys, now }: IdTokenCheck,
  rules: Pick<JWTVerifyOptions, 'requiredClaims' | 'maxTokenAge' | 'typ'>,
): Promise<JWTVerifyResult> {
  if (!keys) throw refuse('there is no key set')
  const options: JWTVerifyOptions = {
    ...rules,
    algorithms: ASYMMETRIC.filter(alg => server.idTokenSigningAlgs?.includes(alg) ?? true),
    issuer: listIssuers(registration, server),
    audience: registration.clientId,
    clockTolerance: registration.quirks.clockSkewSeconds,
    currentDate: new Date(now()),
  }
  try {
    return await verifyWithNewKeys(text, keys, options)
  } catch (error) {
    throw error instanceof BrokerError ? error : refuse(reasonOf(error))
  }
}

// The key that the header leads to may be the one before: exchanged under its name, or without one (Q39).
async function verifyWithNewKeys(
  text: string,
  keys: EhrKeys,
  options: JWTVerifyOptions,
): Promise<JWTVerifyResult> {
  try {
    return await verifyByAny(text, keys, options)
  } catch (error) {
    const isOther = error instanceof errors.JWSSignatureVerificationFailed
    if (isOther && (await keys.renew?.())) return await verifyByAny(text, keys, options)
    throw error
  }
}

async function verifyByAny(
  text: string,
  keys: EhrKeys,
  options: JWTVerifyOptions,
): Promise<JWTVerifyResult> {
  try {
    return await jwtVerify(text, keys, options)
  } catch (error) {
    if (error instanceof errors.JWKSMultipleMatchingKeys) return await tryEach(error, text, options)
    throw error
  }
}

/** Whether a header's type is none, or that of a JWT; no library has looked at what it is. */
function isJwt(typ: unknown): boolean {
  return (
    typ === undefined || typ === null || (typeof typ === 'string' && typ.toUpperCase() === 'JWT')
  )
}

// A token without a `kid` where several keys could have signed it: one of them must have.
async function tryEach(
  keys: AsyncIterable<CryptoKey>,
  text: string,
  options: JWTVerifyOptions,
): Promise<JWTVerifyResult> {
  for await (const key of keys) {
    try {
      return await jwtVerify(text, key, options)
    } catch (error) {
      if (!(error instanceof errors.JWSSignatureVerificationFailed)) throw error
    }
  }
  throw new errors.JWSSignatureVerificationFailed()
}

/** The issuers a registration accepts: those configured, and the one that was discovered. */
export function listIssuers(registration: Registration, server: AuthorizationServer): string[] {
  const exact = [...new Set([server.issuer, ...registration.issuers])]
  return exact.flatMap(issuer => listSpellings(issuer, registration))
}

// More than one audience is trusted only when the token was made for us and the others are the EHR's
// own (OIDC Core 3.1.3.7, steps 3 to 5).
function checkAudience({ aud, azp }: JWTPayload, { registration, server }: IdTokenCheck): void {
  const { clientId, iss } = registration
  if (!isAbsent(azp) && azp !== clientId) throw refuse('azp')
  if (!Array.isArray(aud) || aud.length === 1) return
  const own = [clientId, iss, ...listIssuers(registration, server)]
  if (isAbsent(azp) || !aud.every(audience => own.includes(audience))) throw refuse('aud')
}

// The left half of the digest that the signature's algorithm uses (OIDC Core 3.1.3.6).
async function hashToken(token: string, alg: string): Promise<string> {
  const bits = (/(?:256|384|512)$/.exec(alg)?.[0] ?? '512') as '256' | '384' | '512'
  return await digestText(token, `SHA-${bits}`, 1 / 2)
}

function buildIdentity(claims: JWTPayload, registration: Registration): Identity {
  const { iss, sub, sid, name, preferred_username, email } = claims
  if (!iss || !isShort(sub)) throw refuse('sub')
  return {
    iss,
    sub,
    sid: keepShort(sid),
    fhirUser: resolveFhirUser(claims, registration.iss, registration.baseAliases),
    name: keepShort(name),
    preferredUsername: keepShort(preferred_username),
    email: keepShort(email),
  }
}

function keepShort(value: unknown): string | undefined {
  return isShort(value) ? value : undefined
}

function isShort(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= MAX_CLAIM_LENGTH
}

// jose's errors carry the whole payload: only which rule failed is kept.
function reasonOf(error: unknown): string {
  if (error instanceof errors.JWTClaimValidationFailed || error instanceof errors.JWTExpired) {
    return error.claim
  }
  return error instanceof errors.JOSEError ? error.code : 'malformed'
}

function refuse(detail: string): BrokerError {
  return new BrokerError('bad_id_token', { detail })
}
