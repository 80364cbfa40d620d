// The address at which a user also logs out of the EHR. Where the browser goes afterwards comes from
// the configuration alone. Pure: no I/O, no clock (OpenID Connect RP-Initiated Logout 1.0; attacks O3).

import type { AuthorizationServer, Registration, TokenSet } from './types.ts'

export interface EndSession {
  registration: Registration
  server: AuthorizationServer
  /** Where the EHR sends the browser afterwards, as registered there. */
  postLogoutUrl?: string
}

/** The EHR's end-session URL for one login; undefined where there is none on a pinned origin. */
export function buildEndSessionUrl(
  { idToken }: Pick<TokenSet, 'idToken'>,
  { registration, server, postLogoutUrl }: EndSession,
): string | undefined {
  const endpoint = server.endSessionEndpoint
  if (endpoint === undefined || !URL.canParse(endpoint)) return undefined
  const url = new URL(endpoint)
  if (!registration.origins.includes(url.origin)) return undefined
  url.searchParams.set('client_id', registration.clientId)
  if (idToken !== undefined) url.searchParams.set('id_token_hint', idToken)
  if (postLogoutUrl !== undefined) url.searchParams.set('post_logout_redirect_uri', postLogoutUrl)
  return url.href
}
