// The protocol rules put together as the product does, without the product: discovery and every call
// through the real egress, against a sandbox over real HTTP. Counts what reached the token endpoint.

import { randomBytes } from 'node:crypto'
import { tutorialClient } from '../../sandbox/authorization/clients.ts'
import type { Sandbox } from '../../sandbox/sandbox.ts'
import { createEgress } from '../../src/network/egress.ts'
import { discover } from '../../src/smart/discovery/discovery.ts'
import { createKeySet } from '../../src/smart/identity/jwks.ts'
import {
  buildAuthorizationParameters,
  buildAuthorizationRequest,
  buildLaunch,
} from '../../src/smart/launch/authorize.ts'
import { parseCallbackQuery, verifyCallback } from '../../src/smart/launch/callback.ts'
import { pushAuthorizationRequest } from '../../src/smart/launch/pushed-authorization.ts'
import { exchangeCode, type TokenCall } from '../../src/smart/token/token.ts'
import type {
  LaunchRequest,
  PendingLaunch,
  ProtocolFetch,
  Registration,
  TokenSet,
} from '../../src/smart/types.ts'
import { createBrowser } from '../world/browser.ts'
import { buildRegistration } from './registration.ts'

export const APP_URL = 'http://localhost:5998'

export interface Client {
  registration: Registration
  call: TokenCall
  /** Requests that were sent to the token endpoint. */
  tokenRequests: URLSearchParams[]
  /** A login in a new browser, up to the address that it comes back to. */
  authorize(how?: Asked): Promise<Authorized>
  /** A whole login. */
  login(how?: Asked): Promise<TokenSet>
  close(): Promise<void>
}

export interface Asked {
  launch?: string
  user?: string
  patient?: string
  auto?: 'grant' | 'deny'
}

export interface Authorized {
  url: string
  callback: URL
  pending: PendingLaunch
}

/** A client of one face of the sandbox, registered with the tutorial's credentials unless told. */
export async function createClient(
  sandbox: Sandbox,
  face: string,
  overrides: Partial<Registration> = {},
): Promise<Client> {
  const { clientId, secret = '' } = tutorialClient(APP_URL, [])
  const registration = buildRegistration({
    iss: sandbox.base(face),
    clientId,
    clientAuth: { method: 'client_secret_basic', secret },
    scope: 'launch launch/patient openid fhirUser profile offline_access patient/*.cruds',
    origins: [sandbox.url],
    redirectUri: `${APP_URL}/redirect`,
    ...overrides,
  })
  const egress = createEgress(registration)
  const { server } = await discover(registration, { fetch: egress.fetch, now: Date.now }).catch(
    async error => {
      await egress.close()
      throw error
    },
  )
  const tokenRequests: URLSearchParams[] = []
  const fetch: ProtocolFetch = (url, request) => {
    if (url === server.tokenEndpoint) tokenRequests.push(new URLSearchParams(request?.body))
    return egress.fetch(url, request)
  }
  const { jwksUri } = server
  const keys = jwksUri === undefined ? undefined : createKeySet(jwksUri, { fetch, now: Date.now })
  const clocks = { now: Date.now, sharedNow: Date.now }
  const call: TokenCall = { registration, server, fetch, keys, randomBytes, ...clocks }

  async function authorize({ launch, ...chosen }: Asked = {}): Promise<Authorized> {
    const kind = launch === undefined ? 'standalone' : 'ehr'
    const request: LaunchRequest = {
      kind,
      registration,
      iss: registration.iss,
      launch,
      returnTo: '/',
    }
    const material = buildLaunch(request, server, { randomBytes })
    const state = randomBytes(32).toString('base64url')
    const asked = await buildAuthorizationParameters(request, material, state)
    const sent = buildAuthorizationRequest(server, await pushAuthorizationRequest(asked, call))
    if (sent.method !== 'GET') throw new Error('the request is to be posted')
    const choice = { user: 'practitioner', patient: 'amy-shaw', auto: 'grant', ...chosen }
    const url = launch === undefined ? `${sent.url}&${new URLSearchParams(choice)}` : sent.url
    const answer = await createBrowser().navigate(url, next => next.startsWith(APP_URL))
    const location = answer.headers.get('location')
    if (location === null) throw new Error(`stayed at ${answer.url}: ${answer.text.slice(0, 500)}`)
    const pending = { ...material, launchId: 'l', jti: 'j', expiresAt: Date.now() + 600_000 }
    return { url: sent.url, callback: new URL(location), pending }
  }

  async function login(how?: Asked): Promise<TokenSet> {
    const { callback, pending } = await authorize(how)
    const query = parseCallbackQuery(callback.search.slice(1))
    const verified = verifyCallback(query, pending, { registration, server })
    if (verified.outcome === 'refused') throw new Error(`refused: ${verified.error}`)
    return await exchangeCode(verified, call)
  }

  return { registration, call, tokenRequests, authorize, login, close: egress.close }
}
