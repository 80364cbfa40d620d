// The `state` value and what binds it to one browser. Signed: a JWT that says nothing but a random
// name, when it was made and when it ends. Opaque: random text. Either way the sealed launch cookie
// must match it, and it is taken once. Time and randomness are passed in (AL-24, AL-35; attacks S).

import { errors, jwtVerify, SignJWT } from 'jose'
import { BrokerError } from '../../errors.ts'
import { digestText } from '../digest.ts'
import type { PendingLaunch } from '../types.ts'

/** Ten minutes: what a user takes to log in at the EHR. */
export const LAUNCH_LIFETIME_SECONDS = 600

const TYP = 'fhirstorm-state+jwt'
const MAX_LENGTH = 1024
const SIGNED = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{43}$/
const OPAQUE = /^[A-Za-z0-9_-]{43}$/
const CLAIMS = ['aud', 'exp', 'iat', 'jti']

export interface StateKeys {
  /** 32-byte keys of this purpose alone; the first signs, all verify. */
  keys: readonly Uint8Array[]
  /** Our own name in `aud`: the public URL. */
  audience: string
  now: () => number
}

/** What a state that holds says of itself. */
export interface VerifiedState {
  jti: string
  expiresAt: number
}

/** 128 bits of SHA-256 over the state: names the launch cookie without revealing the state. */
export async function buildLaunchId(state: string): Promise<string> {
  return await digestText(state, 'SHA-256', 1 / 2)
}

/** A signed state for the given random name; ends after LAUNCH_LIFETIME_SECONDS. */
export async function buildSignedState(
  jti: string,
  { keys, audience, now }: StateKeys,
): Promise<string> {
  const issuedAt = Math.floor(now() / 1000)
  const [key] = keys
  if (!key) throw new TypeError('a state key is needed')
  return await new SignJWT({ jti })
    .setProtectedHeader({ alg: 'HS256', typ: TYP })
    .setAudience(audience)
    .setIssuedAt(issuedAt)
    .setExpirationTime(issuedAt + LAUNCH_LIFETIME_SECONDS)
    .sign(key)
}

/**
 * Verifies a signed state against each key of the ring. One algorithm, one type, exactly our members:
 * keys inside the token are never looked at. Refuses with `state_expired` or `state_invalid`.
 */
export async function verifySignedState(text: string, options: StateKeys): Promise<VerifiedState> {
  if (text.length <= MAX_LENGTH && SIGNED.test(text)) {
    for (const key of options.keys) {
      const verified = await verifyWith(key, text, options)
      if (verified) return verified
    }
  }
  throw new BrokerError('state_invalid')
}

async function verifyWith(
  key: Uint8Array,
  text: string,
  { audience, now }: StateKeys,
): Promise<VerifiedState | undefined> {
  try {
    const { payload, protectedHeader } = await jwtVerify(text, key, {
      algorithms: ['HS256'],
      typ: TYP,
      audience,
      requiredClaims: CLAIMS,
      currentDate: new Date(now()),
      maxTokenAge: LAUNCH_LIFETIME_SECONDS,
    })
    const { jti, exp } = payload
    const ours = hasExactly(protectedHeader, ['alg', 'typ']) && hasExactly(payload, CLAIMS)
    if (!ours || typeof jti !== 'string' || exp === undefined) return undefined
    return { jti, expiresAt: exp * 1000 }
  } catch (error) {
    if (error instanceof errors.JWTExpired) throw new BrokerError('state_expired')
    return undefined
  }
}

/** An opaque state as it must look; refuses anything else with `state_invalid`. */
export function parseOpaqueState(text: string): string {
  if (!OPAQUE.test(text)) throw new BrokerError('state_invalid')
  return text
}

// Fields in fixed order, as every byte counts in a cookie; none of them has a space in it.
const FIELDS = ['ehr', 'kind', 'iss', 'codeVerifier', 'nonce', 'redirectUri', 'returnTo'] as const

/** A pending launch as one short text, to be sealed; id, name and end are told by the state. */
export function packLaunch(launch: Pick<PendingLaunch, (typeof FIELDS)[number]>): string {
  return FIELDS.map(field => launch[field] ?? '').join(' ')
}

/** The launch that packLaunch wrote; undefined for anything else. */
export function unpackLaunch(
  text: string,
  name: Pick<PendingLaunch, 'launchId' | 'expiresAt'>,
): PendingLaunch | undefined {
  const values = text.split(' ')
  const [ehr, kind, iss, codeVerifier, nonce, redirectUri, returnTo] = values
  if (
    values.length !== FIELDS.length ||
    !ehr ||
    !iss ||
    !codeVerifier ||
    !redirectUri ||
    !returnTo
  ) {
    return undefined
  }
  if (kind !== 'ehr' && kind !== 'standalone') return undefined
  const launch = { ehr, kind, iss, codeVerifier, redirectUri, returnTo, ...name } as const
  return nonce ? { ...launch, nonce } : launch
}

function hasExactly(value: object, names: readonly string[]): boolean {
  const own = Object.keys(value)
  return own.length === names.length && names.every(name => Object.hasOwn(value, name))
}
