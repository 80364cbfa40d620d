// The apps registered at the sandbox: the tutorial's confidential client, whose values are the
// tutorial's own, the same app under further ids, and whatever tests add. In oidc-provider's terms, as its Client records.

import type { JWK } from 'jose'
import { tutorialClient as credentials } from '../tutorial-client.ts'

export interface SandboxClient {
  clientId: string
  name?: string
  method: 'client_secret_basic' | 'client_secret_post' | 'private_key_jwt'
  secret?: string
  /** Public keys, for private_key_jwt (RS384, ES384). */
  jwks?: { keys: readonly JWK[] }
  jwksUri?: string
  redirectUris: readonly string[]
  postLogoutRedirectUris?: readonly string[]
  /** Told of logouts, with `sid`. */
  backchannelLogoutUri?: string
}

/** The app that a sandbox is for. */
export interface RegisteredApp {
  appUrl: string
  /** Registrations at the app: `/redirect/ID` is a redirect URI of each. */
  ehrIds: readonly string[]
  /** Further redirect URIs. */
  redirectUris?: readonly string[]
  /** Where the app's public keys are. */
  jwksUri?: string
}

/** The app under three ids, one for each way to authenticate; the tutorial's is the first. */
export function ownClients(app: RegisteredApp): SandboxClient[] {
  const { appUrl, ehrIds, redirectUris = [] } = app
  const { jwksUri = `${appUrl}/.well-known/jwks.json` } = app
  const common = {
    name: 'Record Viewer',
    redirectUris: [
      `${appUrl}/redirect`,
      ...ehrIds.map(id => `${appUrl}/redirect/${id}`),
      ...redirectUris,
    ],
    postLogoutRedirectUris: [appUrl, `${appUrl}/`],
    backchannelLogoutUri: `${appUrl}/backchannel-logout`,
  }
  const { id, secret } = credentials
  return [
    { ...common, clientId: id, method: 'client_secret_basic', secret },
    { ...common, clientId: 'sandbox-post', method: 'client_secret_post', secret: 'sandbox-secret' },
    { ...common, clientId: 'sandbox-keys', method: 'private_key_jwt', jwksUri },
  ]
}

/** The tutorial's client, for the app at this URL, and for its redirect URIs of these registrations. */
export function tutorialClient(appUrl: string, ehrIds: readonly string[]): SandboxClient {
  return ownClients({ appUrl, ehrIds })[0] as SandboxClient
}

/** A client as oidc-provider stores it. */
export function buildClientMetadata(client: SandboxClient): Record<string, unknown> {
  const { jwks, jwksUri, secret, backchannelLogoutUri } = client
  return {
    client_id: client.clientId,
    client_name: client.name ?? client.clientId,
    token_endpoint_auth_method: client.method,
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    redirect_uris: client.redirectUris,
    post_logout_redirect_uris: client.postLogoutRedirectUris ?? [],
    ...(secret === undefined ? {} : { client_secret: secret }),
    ...(jwks === undefined ? {} : { jwks }),
    ...(jwksUri === undefined ? {} : { jwks_uri: jwksUri }),
    ...(backchannelLogoutUri === undefined
      ? {}
      : {
          backchannel_logout_uri: backchannelLogoutUri,
          backchannel_logout_session_required: true,
        }),
  }
}
