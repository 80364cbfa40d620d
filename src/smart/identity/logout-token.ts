// The judge of back-channel logout tokens: made by this EHR for us, a moment ago, about a session or a
// user, and no id_token in disguise. Whether its `jti` was seen before is for the vault to say. Time
// and keys are passed in (OpenID Connect Back-Channel Logout 1.0, 2.4 and 2.6; attacks O4).

import { decodeJwt, type JWTPayload, type JWTVerifyResult } from 'jose'
import { BrokerError } from '../../errors.ts'
import { isAbsent } from '../absent.ts'
import { parseText } from '../context/member.ts'
import { isRecord } from '../json.ts'
import { type IdTokenCheck, verifyJwt } from './id-token.ts'

const EVENT = 'http://schemas.openid.net/event/backchannel-logout'
const MAX_TOKEN_LENGTH = 16 * 1024
const MAX_AGE_SECONDS = 120
const MAX_TEXT = 256

export interface LogoutToken {
  iss: string
  /** At least one of the two is there. */
  sid?: string
  sub?: string
  jti: string
  /** Until when the token could be sent again. */
  expiresAt: number
}

/** Whom a token says that it is from and for, unverified: good for choosing registrations and no more. */
export function readAddress(text: string): { iss: string; audience: string[] } | undefined {
  if (text.length > MAX_TOKEN_LENGTH) return undefined
  try {
    const { iss, aud } = decodeJwt(text)
    const issuer = parseText(iss, 2048)
    return issuer === undefined ? undefined : { iss: issuer, audience: [aud ?? []].flat() }
  } catch {
    return undefined
  }
}

/**
 * A logout token that holds. Refuses with `logout_token_invalid`; what the key set itself refuses
 * passes through.
 */
export async function verifyLogoutToken(text: string, check: IdTokenCheck): Promise<LogoutToken> {
  const { payload, protectedHeader } = await verify(text, check)
  if (!isLogoutType(protectedHeader.typ)) throw refuse('typ')
  const { iss, iat = 0, exp } = payload
  const sid = parseText(payload.sid, MAX_TEXT)
  const sub = parseText(payload.sub, MAX_TEXT)
  const jti = parseText(payload.jti, MAX_TEXT)
  if (!isAbsent(payload.nonce)) throw refuse('nonce')
  if (!isLogoutEvent(payload)) throw refuse('events')
  if (!iss || !jti || !(sid || sub)) throw refuse('jti, sid or sub')
  const lastMoment = Math.min(exp ?? Number.POSITIVE_INFINITY, iat + MAX_AGE_SECONDS)
  const skew = Math.max(MAX_AGE_SECONDS, check.registration.quirks.clockSkewSeconds)
  return { iss, sid, sub, jti, expiresAt: (lastMoment + skew) * 1000 }
}

async function verify(text: string, check: IdTokenCheck): Promise<JWTVerifyResult> {
  if (text.length > MAX_TOKEN_LENGTH) throw refuse('too long')
  try {
    return await verifyJwt(text, check, {
      requiredClaims: ['iss', 'aud', 'iat', 'jti', 'events'],
      maxTokenAge: MAX_AGE_SECONDS,
    })
  } catch (error) {
    if (error instanceof BrokerError && error.code === 'bad_id_token') throw refuse(error.detail)
    throw error
  }
}

// Recommended and not required (Back-Channel Logout 1.0, 2.4): the event and the missing nonce tell it
// from an id_token. A token of another named type is none of ours.
function isLogoutType(typ: unknown): boolean {
  if (isAbsent(typ)) return true
  return typeof typ === 'string' && /^(?:jwt|(?:application\/)?logout\+jwt)$/i.test(typ)
}

function isLogoutEvent({ events }: JWTPayload): boolean {
  return isRecord(events) && isRecord(events[EVENT])
}

function refuse(detail: string | undefined): BrokerError {
  return new BrokerError('logout_token_invalid', { detail })
}
