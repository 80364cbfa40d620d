// The authorization request of an existing app (RFC 6749 4.1.1, RFC 7636, SMART App Launch 2.2). An app that
// is not ours, or would be answered elsewhere, is refused to the user; what else is wrong is told to the
// app. Pure: no I/O, no clock.

import { BrokerError } from '../errors.ts'
import type { AuthorizationErrorCode } from '../smart/types.ts'
import type { FacadeClient } from './client.ts'
import { readOnce } from './parameters.ts'
import { readContexts } from './scope.ts'

/** What an app asks for, judged. */
export interface AppRequest {
  clientId: string
  redirectUri: string
  state?: string
  /** S256 of the verifier; undefined for an old app alone. */
  challenge?: string
  nonce?: string
  /** A launch of ours, in a launch from the EHR. */
  launch?: string
  /** Launch contexts that its scope asks for; undefined without a scope. */
  contexts?: string[]
}

/** An error of RFC 6749 4.1.2.1, where it is told, and what it is about in fixed words. */
export interface RefusedRequest {
  redirectTo: string
  reason: string
}

const CHALLENGE = /^[A-Za-z0-9_-]{43}$/
const SHORT = /^[\x20-\x7e]{1,2048}$/
const LAUNCH = /^[A-Za-z0-9_-]{43}$/
const ORIGIN = /^https?:\/\/[^/?#]+$/

const REASONS = {
  state: 'state is malformed.',
  repeated: 'A parameter stands there twice.',
  response_type: 'response_type is not code.',
  aud: 'aud is not the address of this server.',
  code_challenge: 'PKCE is missing: code_challenge with code_challenge_method=S256.',
  nonce: 'nonce is malformed.',
  launch: 'launch is unknown, used already or too old.',
} as const
type Reason = keyof typeof REASONS

/** Reads the query of an authorization request; throws `facade_client_invalid` for another app's. */
export function readAppRequest(
  query: string,
  client: FacadeClient,
  facadeUrl: string,
): AppRequest | RefusedRequest {
  const { values, isRepeated } = readOnce(query)
  const redirectUri = values.get('redirect_uri') ?? ''
  const isRegistered = isOwnAddress(redirectUri, client)
  if (values.get('client_id') !== client.clientId || !isRegistered) {
    const detail = isRegistered ? 'client_id' : 'redirect_uri'
    throw new BrokerError('facade_client_invalid', { detail })
  }
  const state = values.get('state')
  const refuse = (reason: Reason): RefusedRequest =>
    refuseRequest({ redirectUri, state: isShort(state) ? state : undefined }, reason)
  if (!isShort(state)) return refuse('state')
  if (isRepeated) return refuse('repeated')
  if (values.get('response_type') !== 'code') return refuse('response_type')
  if (values.get('aud')?.replace(/\/$/, '') !== facadeUrl) return refuse('aud')
  const challenge = values.get('code_challenge')
  const isBound =
    challenge === undefined
      ? client.pkceOptional && !values.has('code_challenge_method')
      : CHALLENGE.test(challenge) && values.get('code_challenge_method') === 'S256'
  if (!isBound) return refuse('code_challenge')
  const nonce = values.get('nonce')
  if (!isShort(nonce)) return refuse('nonce')
  const launch = values.get('launch') || undefined
  if (launch !== undefined && !LAUNCH.test(launch)) return refuse('launch')
  const contexts = readContexts(values.get('scope'))
  return { clientId: client.clientId, redirectUri, state, challenge, nonce, launch, contexts }
}

/** Refuses what an app has asked for: it is told why, which its own developer would not find out otherwise. */
export function refuseRequest(
  asked: Pick<AppRequest, 'redirectUri' | 'state'>,
  reason: Reason,
): RefusedRequest {
  const error = reason === 'response_type' ? 'unsupported_response_type' : 'invalid_request'
  return { redirectTo: buildErrorUrl(asked, error, REASONS[reason]), reason }
}

/** Where the app is told what went wrong, as an error of OAuth and in words. */
export function buildErrorUrl(
  { redirectUri, state }: Pick<AppRequest, 'redirectUri' | 'state'>,
  error: AuthorizationErrorCode,
  description: string,
): string {
  // No code of OAuth, and an app may know those alone.
  const told = error === 'other' ? 'server_error' : error
  return buildAnswerUrl(redirectUri, { error: told, error_description: description, state })
}

/** Where the app gets its code. */
export function buildCodeUrl(
  { redirectUri, state }: Pick<AppRequest, 'redirectUri' | 'state'>,
  code: string,
): string {
  return buildAnswerUrl(redirectUri, { code, state })
}

// Apps that come back to the root say `location.origin` too, which is the same address (RFC 3986 6.2.3).
function isOwnAddress(redirectUri: string, { redirectUris }: FacadeClient): boolean {
  const isOrigin = ORIGIN.test(redirectUri)
  return redirectUris.includes(isOrigin ? `${redirectUri}/` : redirectUri)
}

function isShort(text: string | undefined): boolean {
  return text === undefined || SHORT.test(text)
}

function buildAnswerUrl(
  redirectUri: string,
  answer: Readonly<Record<string, string | undefined>>,
): string {
  const url = new URL(redirectUri)
  for (const [name, value] of Object.entries(answer)) {
    if (value !== undefined) url.searchParams.set(name, value)
  }
  return url.href
}
