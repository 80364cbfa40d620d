// The authorization request of an existing app (RFC 6749 4.1.1, RFC 7636, SMART App Launch 2.2). An app that
// is not ours, or would be answered elsewhere, is refused to the user; what else is wrong is told to the
// app. Pure: no I/O, no clock.

import { BrokerError } from '../errors.ts'
import type { FacadeClient } from './client.ts'
import { readOnce } from './parameters.ts'

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
}

/** An error of RFC 6749 4.1.2.1, and where it is told. */
export interface RefusedRequest {
  redirectTo: string
}

type AuthorizationError =
  | 'invalid_request'
  | 'unsupported_response_type'
  | 'access_denied'
  | 'server_error'

const CHALLENGE = /^[A-Za-z0-9_-]{43}$/
const SHORT = /^[\x20-\x7e]{1,2048}$/
const LAUNCH = /^[A-Za-z0-9_-]{43}$/

/** Reads the query of an authorization request; throws `facade_client_invalid` for another app's. */
export function readAppRequest(
  query: string,
  client: FacadeClient,
  facadeUrl: string,
): AppRequest | RefusedRequest {
  const { values, isRepeated } = readOnce(query)
  const redirectUri = values.get('redirect_uri') ?? ''
  if (values.get('client_id') !== client.clientId || !client.redirectUris.includes(redirectUri)) {
    throw new BrokerError('facade_client_invalid', {
      detail: client.redirectUris.includes(redirectUri) ? 'client_id' : 'redirect_uri',
    })
  }
  const state = values.get('state')
  const refuse = (error: AuthorizationError): RefusedRequest => ({
    redirectTo: buildErrorUrl({ redirectUri, state }, error),
  })
  if (state !== undefined && !SHORT.test(state)) {
    return { redirectTo: buildErrorUrl({ redirectUri }, 'invalid_request') }
  }
  if (isRepeated) return refuse('invalid_request')
  if (values.get('response_type') !== 'code') return refuse('unsupported_response_type')
  if (values.get('aud')?.replace(/\/$/, '') !== facadeUrl) return refuse('invalid_request')
  const challenge = values.get('code_challenge')
  const isBound =
    challenge === undefined
      ? client.pkceOptional && !values.has('code_challenge_method')
      : CHALLENGE.test(challenge) && values.get('code_challenge_method') === 'S256'
  if (!isBound) return refuse('invalid_request')
  const nonce = values.get('nonce')
  if (nonce !== undefined && !SHORT.test(nonce)) return refuse('invalid_request')
  const launch = values.get('launch') || undefined
  if (launch !== undefined && !LAUNCH.test(launch)) return refuse('invalid_request')
  return { clientId: client.clientId, redirectUri, state, challenge, nonce, launch }
}

/** Where the app is told what went wrong. */
export function buildErrorUrl(
  { redirectUri, state }: Pick<AppRequest, 'redirectUri' | 'state'>,
  error: AuthorizationError,
): string {
  return buildAnswerUrl(redirectUri, { error, state })
}

/** Where the app gets its code. */
export function buildCodeUrl(
  { redirectUri, state }: Pick<AppRequest, 'redirectUri' | 'state'>,
  code: string,
): string {
  return buildAnswerUrl(redirectUri, { code, state })
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
