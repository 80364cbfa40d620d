// An app as far as the sandbox sees one: asks for authorization with PKCE in a browser that it is given,
// exchanges codes and renews, with fetch alone.

import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { type CryptoKey, SignJWT } from 'jose'
import type { Sandbox } from '../../sandbox/sandbox.ts'
import { tutorialClient } from '../../sandbox/tutorial-client.ts'
import type { Browser } from '../world/browser.ts'

export const APP_URL = 'http://localhost:5999'
export const SCOPE = 'launch/patient patient/*.cruds openid fhirUser profile offline_access'

export interface Tokens {
  access_token: string
  refresh_token: string
  id_token: string
  scope: string
  patient: string
  expires_in: number
  [member: string]: unknown
}

export interface App {
  /** Address of an authorization request, and what its code is exchanged with. */
  request(options?: Asking): { url: string; verifier: string; state: string }
  /** Follows a request in the browser until it comes back to the app; the address it comes back to. */
  authorize(browser: Browser, url: string): Promise<URL>
  exchange(code: string, verifier: string): Promise<Response>
  /** The request that exchanges a code with the client's secret, for who sends it otherwise. */
  tokenRequest(code: string, verifier: string): { authorization: string; body: string }
  refresh(refreshToken: string, parameters?: Record<string, string>): Promise<Response>
  /** A whole login. */
  login(browser: Browser, options?: Asking): Promise<Tokens>
  /** Calls FHIR with a token. */
  fhir(token: string, path: string, init?: RequestInit): Promise<Response>
}

export interface Asking {
  scope?: string
  launch?: string
  /** Further or other parameters; undefined takes one out. */
  parameters?: Record<string, string | undefined>
}

export interface Credentials {
  clientId?: string
  method?: 'basic' | 'post' | 'jwt'
  secret?: string
  key?: { privateKey: CryptoKey; alg: string; kid: string }
  redirectUri?: string
}

/** An app that is registered at the sandbox, asking one of its faces. */
export function createApp(sandbox: Sandbox, face = 'r4', credentials: Credentials = {}): App {
  const { clientId = tutorialClient.id, redirectUri = `${APP_URL}/redirect` } = credentials
  const base = sandbox.base(face)
  const oauth = base.replace(/\/(r4|dstu2|fhir)$/, '/oauth')

  const call = async (parameters: Record<string, string>) => {
    const { headers, body } = await authenticate(credentials, clientId, `${oauth}/token`)
    return await fetch(`${oauth}/token`, {
      method: 'POST',
      headers,
      body: new URLSearchParams({ ...parameters, ...body }),
      redirect: 'manual',
    })
  }

  const app: App = {
    request({ scope = SCOPE, launch, parameters = {} } = {}) {
      const verifier = randomBytes(32).toString('base64url')
      const state = randomUUID()
      const query = {
        response_type: 'code',
        client_id: clientId,
        redirect_uri: redirectUri,
        scope,
        state,
        aud: base,
        nonce: scope.includes('openid') ? 'a-nonce' : undefined,
        launch,
        code_challenge: createHash('sha256').update(verifier).digest('base64url'),
        code_challenge_method: 'S256',
        ...parameters,
      }
      const defined = Object.entries(query).filter(([, value]) => value !== undefined)
      const search = new URLSearchParams(defined as [string, string][])
      return { url: `${oauth}/authorize?${search}`, verifier, state }
    },
    async authorize(browser, url) {
      const answer = await browser.navigate(url, next => next.startsWith(APP_URL))
      const location = answer.headers.get('location')
      if (location === null) throw new Error(`stayed at ${answer.url}: ${answer.text}`)
      return new URL(location)
    },
    exchange: (code, verifier) =>
      call({
        grant_type: 'authorization_code',
        code,
        code_verifier: verifier,
        redirect_uri: redirectUri,
      }),
    tokenRequest(code, verifier) {
      const secret = credentials.secret ?? tutorialClient.secret
      const pair = Buffer.from(`${clientId}:${secret}`).toString('base64')
      const form = { grant_type: 'authorization_code', redirect_uri: redirectUri }
      const body = new URLSearchParams({ ...form, code, code_verifier: verifier })
      return { authorization: `Basic ${pair}`, body: String(body) }
    },
    refresh: (refreshToken, parameters) =>
      call({ grant_type: 'refresh_token', refresh_token: refreshToken, ...parameters }),
    async login(browser, options) {
      const { url, verifier } = app.request(options)
      const callback = await app.authorize(browser, url)
      const code = callback.searchParams.get('code')
      if (code === null) throw new Error(`no code came back: ${callback}`)
      const response = await app.exchange(code, verifier)
      const text = await response.text()
      if (!response.ok) throw new Error(`${response.status} ${text}`)
      return JSON.parse(text)
    },
    fhir: (token, path, init = {}) =>
      fetch(`${base}${path}`, {
        ...init,
        headers: { authorization: `Bearer ${token}`, ...init.headers },
        redirect: 'manual',
      }),
  }
  return app
}

async function authenticate(
  { method = 'basic', secret = tutorialClient.secret, key }: Credentials,
  clientId: string,
  audience: string,
): Promise<{ headers: Record<string, string>; body: Record<string, string> }> {
  if (method === 'post')
    return { headers: {}, body: { client_id: clientId, client_secret: secret } }
  if (method === 'basic' || key === undefined) {
    const value = Buffer.from(`${clientId}:${secret}`).toString('base64')
    return { headers: { authorization: `Basic ${value}` }, body: {} }
  }
  const assertion = await new SignJWT({ jti: randomUUID() })
    .setProtectedHeader({ alg: key.alg, kid: key.kid, typ: 'JWT' })
    .setIssuer(clientId)
    .setSubject(clientId)
    .setAudience(audience)
    .setIssuedAt()
    .setExpirationTime('2m')
    .sign(key.privateKey)
  const type = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
  return { headers: {}, body: { client_assertion_type: type, client_assertion: assertion } }
}

/** The JSON of an answer, as whatever the test holds it against. */
export async function json<T = Record<string, unknown>>(
  response: Response | Promise<Response>,
): Promise<T> {
  return (await (await response).json()) as T
}
