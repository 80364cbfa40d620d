// How this client proves itself in the requests it sends to the authorization server: Basic, secret in
// the body, or a one-time JWT. The secret stands in a header or body, never in a URL. Time and
// randomness are passed in (SMART App Launch 2.2, client authentication; RFC 6749 2.3.1, RFC 7523).

import { base64url } from 'jose'
import type { ClientAuth } from 'oauth4webapi'
import { BrokerError } from '../../errors.ts'
import type {
  AuthorizationServer,
  ClientAuthentication,
  ClientKey,
  RandomBytes,
  Registration,
} from '../types.ts'

const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
const ASSERTION_LIFETIME_SECONDS = 120

/** Who reads an assertion. */
export type AssertionReader = Pick<
  AuthorizationServer,
  'tokenEndpoint' | 'tokenEndpointAuthSigningAlgs'
>

export interface AuthSource {
  now: () => number
  randomBytes: RandomBytes
}

/**
 * The client's proof for one request; a retry needs a new one, as an assertion counts once (AS-19).
 * Refuses with `client_auth_failed` when the EHR reads no algorithm that we have a key for, and with
 * `signer_unavailable` when that key is elsewhere and cannot be used.
 */
export function buildClientAuth(
  registration: Registration,
  server: AuthorizationServer,
  source: AuthSource,
): ClientAuth {
  const { clientId, clientAuth, quirks } = registration
  return async (_server, _client, body, headers) => {
    if (quirks.includeClientIdInBody) body.set('client_id', clientId)
    if (clientAuth.method === 'client_secret_basic') {
      headers.set('authorization', buildBasic(clientId, clientAuth.secret, quirks.basicEncoding))
    } else if (clientAuth.method === 'client_secret_post') {
      body.set('client_id', clientId)
      body.set('client_secret', clientAuth.secret)
    } else {
      body.set('client_assertion_type', ASSERTION_TYPE)
      body.set('client_assertion', await buildAssertion(registration, server, source))
    }
  }
}

/** The value of a Basic Authorization header; `raw` leaves id and secret as they are (quirk). */
export function buildBasic(clientId: string, secret: string, encoding: 'form' | 'raw'): string {
  const encode = encoding === 'form' ? formEncode : (text: string) => text
  const bytes = new TextEncoder().encode(`${encode(clientId)}:${encode(secret)}`)
  return `Basic ${btoa(String.fromCharCode(...bytes))}`
}

/** Whether a Basic proof looks otherwise when it is form-encoded than when it is raw. */
export function hasReservedCharacters({
  clientId,
  clientAuth,
}: Pick<Registration, 'clientId' | 'clientAuth'>): boolean {
  if (clientAuth.method !== 'client_secret_basic') return false
  return [clientId, clientAuth.secret].some(text => formEncode(text) !== text)
}

// Unreserved characters stay as they are: servers that compare raw texts would refuse an encoded
// hyphen, which is in every UUID.
function formEncode(text: string): string {
  return encodeURIComponent(text)
    .replace(/[!'()*]/g, char => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll('%20', '+')
}

/**
 * A one-time JWT signed by our key: `aud` is the token URL as one string, so that no other server can
 * use it, and it lives two minutes (AS-19 to AS-29; attacks L19).
 */
export async function buildAssertion(
  { clientId, clientAuth, quirks }: Pick<Registration, 'clientId' | 'clientAuth' | 'quirks'>,
  server: AssertionReader,
  { now, randomBytes }: AuthSource,
): Promise<string> {
  if (clientAuth.method !== 'private_key_jwt') throw new TypeError('no key to sign with')
  const { kid, alg, sign } = chooseKey(clientAuth, server)
  const issuedAt = Math.floor(now() / 1000)
  const jku = quirks.assertionJku === undefined ? {} : { jku: quirks.assertionJku }
  const input = [
    { alg, kid, typ: 'JWT', ...jku },
    {
      iss: clientId,
      sub: clientId,
      aud: quirks.assertionAudience ?? server.tokenEndpoint,
      jti: base64url.encode(randomBytes(16)),
      iat: issuedAt,
      exp: issuedAt + ASSERTION_LIFETIME_SECONDS,
    },
  ]
    .map(part => base64url.encode(JSON.stringify(part)))
    .join('.')
  return `${input}.${base64url.encode(await sign(new TextEncoder().encode(input)))}`
}

/**
 * The first of our keys whose algorithm is the configured one, or one that the EHR lists; one that is
 * published for later only where there is no other.
 */
function chooseKey(
  { keys, alg }: Extract<ClientAuthentication, { method: 'private_key_jwt' }>,
  { tokenEndpointAuthSigningAlgs: listed }: AssertionReader,
): ClientKey {
  const fitting = keys.filter(key => (alg ? key.alg === alg : (listed?.includes(key.alg) ?? true)))
  const key = fitting.find(({ isNext }) => !isNext) ?? fitting[0]
  if (!key) {
    throw new BrokerError('client_auth_failed', {
      detail: `no client key for ${alg ?? 'any algorithm that the EHR lists'}`,
    })
  }
  return key
}

/**
 * What an operator should know of a registration's client authentication at this EHR, in fixed words
 * (AL-39, CF-09): a method that is not listed, and a secret where a key pair would do.
 */
export function lintClientAuth(
  { method }: ClientAuthentication,
  { tokenEndpointAuthMethods: listed }: AuthorizationServer,
): string[] {
  if (!listed) return []
  const lints: string[] = []
  if (!listed.includes(method)) lints.push(`the EHR does not list ${method}`)
  if (method !== 'private_key_jwt' && listed.includes('private_key_jwt')) {
    lints.push('the EHR lists private_key_jwt, which is safer than a shared secret')
  }
  return lints
}
