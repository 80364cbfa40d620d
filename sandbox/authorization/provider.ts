// The authorization server: oidc-provider, as strict as it can be set. PKCE with S256 always, refresh
// tokens that rotate and whose second use ends the whole grant, and a new grant for every
// authorization, which nothing of the user's session outlives or ends: launch B never touches A.

import type OidcProvider from 'oidc-provider'
import type { Context } from 'oidc-provider'
import { routes, type Sites } from '../site.ts'
import { findAccount } from './accounts.ts'
import { resourceIndicators, siteOfRequest, verifyAudience } from './audience.ts'
import { buildClaims } from './claims.ts'
import type { SigningKeys } from './keys.ts'
import { errors, Provider } from './library.ts'
import { errorPage, logoutPage, signedOutPage } from './pages.ts'
import { oidcScopes } from './scopes.ts'
import type { Storage } from './storage.ts'

const DAY = 86_400
const MAX_ASSERTION_SECONDS = 300

const lifetimes = {
  AuthorizationCode: 60,
  IdToken: 3600,
  Interaction: 3600,
  Session: DAY,
  RefreshToken: 30 * DAY,
  Grant: 30 * DAY,
}

// Which claims each scope brings; null is always known.
const claims = {
  openid: ['sub'],
  profile: ['name', 'preferred_username', 'profile'],
  fhirUser: ['fhirUser'],
  sid: null,
  auth_time: null,
  iss: null,
}

export interface ProviderOptions {
  origin: string
  sites: Sites
  storage: Storage
  keys: SigningKeys
  accessTokenSeconds: number
  /** Refuses with `InvalidRequest` a launch id that stands for nothing. */
  verifyLaunch(id: string | undefined): void
  /** The launch context of a grant, for its access tokens. */
  contextOf(grantId: string): Record<string, unknown>
  /** The page that an authorization goes through. */
  interactionUrl(ctx: Context, interaction: { uid: string }): string
}

/** A new authorization server; its issuer is the origin. */
export function createProvider(options: ProviderOptions): OidcProvider {
  const { origin, sites, storage, keys, contextOf } = options
  return new Provider(origin, {
    adapter: (kind: string) => storage.adapter(kind),
    jwks: keys.jwks,
    ...protocol(options),
    features: features(sites),
    findAccount: (_ctx: Context, id: string, token?: { resource?: string | string[] }) =>
      findAccount(id) && {
        accountId: id,
        claims: () =>
          buildClaims(id, [token?.resource ?? []].flat()[0] ?? sites.all[0]?.base ?? ''),
      },
    loadExistingGrant: async ({ oidc }: Context) => {
      const grantId = oidc.result?.consent?.grantId
      return grantId === undefined ? undefined : await oidc.provider.Grant.find(grantId)
    },
    extraTokenClaims: ({ oidc }: Context) => contextOf(oidc.entities.Grant?.jti ?? ''),
    interactions: { url: options.interactionUrl },
    // Said by none: Firefox counts a frame of our own chart that comes back by way of the app as another
    // site's, and would keep no cookie that is Lax.
    cookies: { long: { sameSite: false }, short: { sameSite: false } },
    renderError: errorPage,
  })
}

function protocol({ sites, accessTokenSeconds, verifyLaunch }: ProviderOptions) {
  return {
    routes: {
      authorization: routes.authorize,
      token: routes.token,
      revocation: routes.revoke,
      introspection: routes.introspect,
      pushed_authorization_request: routes.push,
      jwks: routes.jwks,
      end_session: routes.logout,
    },
    scopes: oidcScopes,
    claims,
    responseTypes: ['code'],
    clientAuthMethods: ['client_secret_basic', 'client_secret_post', 'private_key_jwt'],
    enabledJWA: {
      clientAuthSigningAlgValues: ['RS384', 'ES384'],
      idTokenSigningAlgValues: ['RS256'],
    },
    extraParams: {
      aud: (ctx: Context, aud: string | undefined) => verifyAudience(sites, ctx, aud),
      launch: (_ctx: Context, launch: string | undefined) => verifyLaunch(launch),
    },
    pkce: { required: () => true },
    conformIdTokenClaims: false,
    clientBasedCORS: () => false,
    expiresWithSession: () => false,
    issueRefreshToken: (_ctx: Context, _client: unknown, { scopes }: { scopes: Set<string> }) =>
      scopes.has('offline_access') || scopes.has('online_access'),
    rotateRefreshToken: (ctx: Context) =>
      siteOfRequest(sites, ctx.req).face.keepsRefreshToken !== true,
    assertJwtClientAuthClaimsAndHeader: (_ctx: Context, { exp }: { exp: number }) => {
      if (exp > Date.now() / 1000 + MAX_ASSERTION_SECONDS + 1) {
        throw new errors.InvalidClientAuth('client assertions live for five minutes at most')
      }
    },
    // The library guards its own calls against this machine, where every app of a sandbox is.
    fetch: (url: string, { dispatcher: _, ...init }: RequestInit & { dispatcher?: unknown }) =>
      fetch(url, init),
    ttl: { ...lifetimes, AccessToken: accessTokenSeconds },
  }
}

function features(sites: Sites) {
  return {
    devInteractions: { enabled: false },
    userinfo: { enabled: false },
    introspection: { enabled: true, allowedPolicy: isOwnToken },
    revocation: { enabled: true, allowedPolicy: isOwnToken },
    pushedAuthorizationRequests: { enabled: true },
    backchannelLogout: { enabled: true },
    rpInitiatedLogout: {
      enabled: true,
      logoutSource: logoutPage,
      postLogoutSuccessSource: signedOutPage,
    },
    resourceIndicators: resourceIndicators(sites),
  }
}

function isOwnToken(_ctx: Context, client: { clientId: string }, token: { clientId: string }) {
  return client.clientId === token.clientId
}
