// The authorization request: what an authorization begins with (PKCE, nonce), its parameters, and the
// URL or form that carries them to the EHR. Each parameter occurs exactly once, `launch` byte for
// byte; no secret is ever among them. Pure: randomness is passed in (SMART App Launch 2.2; RFC 7636).

import { base64url } from 'jose'
import { BrokerError } from '../../errors.ts'
import { toUri } from '../../uri.ts'
import { digestText } from '../digest.ts'
import { requireNamedIssuer } from '../redirect-uri.ts'
import { asksForIdToken, buildScope } from '../scope/scope-request.ts'
import type {
  AuthorizationServer,
  LaunchMaterial,
  LaunchRequest,
  RandomBytes,
  Registration,
} from '../types.ts'

/** Longer requests are sent as a form, where the EHR takes one (SC-06). */
const LONG_URL = 2000

/** Names that the endpoint's own query may not preset. */
const RESERVED = new Set([
  ...['response_type', 'client_id', 'redirect_uri', 'scope', 'state', 'aud', 'launch', 'nonce'],
  ...[
    'code_challenge',
    'code_challenge_method',
    'prompt',
    'response_mode',
    'request',
    'request_uri',
  ],
])

export type AuthorizationParameters = readonly (readonly [name: string, value: string])[]

/** How the browser carries the request: by redirect, or by a page that posts a form. */
export type AuthorizationRequest =
  | { method: 'GET'; url: string }
  | { method: 'POST'; action: string; fields: AuthorizationParameters }

/**
 * What a new authorization begins with: a PKCE verifier of 256 random bits, and a nonce when an
 * id_token is asked for. Refuses with `pkce_unsupported` where a list of methods lacks S256, and with
 * `issuer_unnamed` where the answer would not name the EHR as the registration requires.
 */
export function buildLaunch(
  { registration, kind, iss, returnTo }: LaunchRequest,
  server: AuthorizationServer,
  { randomBytes }: { randomBytes: RandomBytes },
): LaunchMaterial {
  const { codeChallengeMethods } = server
  if (codeChallengeMethods && !codeChallengeMethods.includes('S256')) {
    throw new BrokerError('pkce_unsupported', { ehr: registration.id })
  }
  requireNamedIssuer(registration, server)
  return {
    ehr: registration.id,
    kind,
    iss,
    codeVerifier: toBase64Url(randomBytes(32)),
    nonce: asksForIdToken(registration) ? toBase64Url(randomBytes(16)) : undefined,
    returnTo,
    redirectUri: registration.redirectUri,
  }
}

/** The parameters of the authorization request, in a fixed order; empty ones are left out. */
export async function buildAuthorizationParameters(
  { registration, kind, iss, launch }: LaunchRequest,
  { codeVerifier, nonce, redirectUri }: LaunchMaterial,
  state: string,
): Promise<AuthorizationParameters> {
  const { audienceName } = registration.quirks
  const audience = audienceOf(registration, iss)
  const parameters: [string, string | undefined][] = [
    ['response_type', 'code'],
    ['client_id', registration.clientId],
    ['redirect_uri', redirectUri],
    ['scope', buildScope(registration, kind)],
    ['state', state],
    ['aud', audience],
    [audienceName, audienceName === 'aud' ? undefined : audience],
    ['code_challenge', await digestText(codeVerifier)],
    ['code_challenge_method', 'S256'],
    ['launch', kind === 'ehr' ? launch : undefined],
    ['nonce', nonce],
    ['prompt', registration.prompt],
  ]
  return parameters.filter((pair): pair is [string, string] => Boolean(pair[1]))
}

/**
 * The request as a redirect, or as a form where it is long and the EHR lists `authorize-post`. In the
 * redirect `launch` is written as it was sent, where that is given.
 */
export function buildAuthorizationRequest(
  server: AuthorizationServer,
  parameters: AuthorizationParameters,
  launchAsSent?: string,
): AuthorizationRequest {
  const action = withoutReserved(server.authorizationEndpoint, parameters)
  const url = action + (action.includes('?') ? '&' : '?') + serialize(parameters, launchAsSent)
  if (url.length > LONG_URL && server.capabilities.includes('authorize-post')) {
    return { method: 'POST', action, fields: parameters }
  }
  return { method: 'GET', url: toUri(url) }
}

// The FHIR base as the EHR sent it, or as it is registered: servers compare it byte for byte, so a
// URL parser, which drops :443 and adds slashes, never touches it (AL-25).
function audienceOf(registration: Registration, iss: string): string | undefined {
  if (registration.aud === 'none') return undefined
  return registration.aud === 'iss' ? iss : registration.aud
}

// What the endpoint's own query says stays as it is, save for names that are ours to say (L18).
function withoutReserved(endpoint: string, parameters: AuthorizationParameters): string {
  const ours = new Set([...RESERVED, ...parameters.map(([name]) => name)])
  const [address = '', query = ''] = endpoint.split(/\?(.*)/s, 2)
  const kept = query.split('&').filter(pair => {
    const [name] = [...new URLSearchParams(pair).keys()]
    return name !== undefined && !ours.has(name)
  })
  return kept.length === 0 ? address : `${address}?${kept.join('&')}`
}

// Spaces as %20: every server reads that, not every one reads a plus.
function serialize(parameters: AuthorizationParameters, launchAsSent: string | undefined): string {
  const pairs = parameters.map(([name, value]) => {
    if (name === 'launch' && launchAsSent !== undefined) return `launch=${launchAsSent}`
    return new URLSearchParams([[name, value]]).toString().replaceAll('+', '%20')
  })
  return pairs.join('&')
}

function toBase64Url(bytes: Uint8Array): string {
  return base64url.encode(bytes)
}
