// The address at which a user also logs out of the EHR. Where the browser goes afterwards comes from
// the configuration alone. Pure: no I/O, no clock (OpenID Connect RP-Initiated Logout 1.0; attacks O3).

import type { AuthorizationServer, Registration } from '../types.ts'

/** Longer addresses do not reach every server: proxies refuse request lines above 8 KiB, some above 4. */
const MAX_URL_LENGTH = 4096

/** The EHR's end-session URL for one login; undefined where there is none on a pinned origin.
 * Where it would be longer than 4 KiB, the client id stands alone and the id_token is left out. */
export function buildEndSessionUrl(
  server: Pick<AuthorizationServer, 'endSessionEndpoint'>,
  registration: Pick<Registration, 'clientId' | 'origins' | 'endSessionEndpoint'>,
  { idToken, postLogoutRedirectUri }: { idToken?: string; postLogoutRedirectUri?: string },
): string | undefined {
  const { clientId, origins } = registration
  const endSessionEndpoint = registration.endSessionEndpoint ?? server.endSessionEndpoint
  if (endSessionEndpoint === undefined || !URL.canParse(endSessionEndpoint)) return undefined
  const url = new URL(endSessionEndpoint)
  if (!origins.includes(url.origin)) return undefined
  url.searchParams.set('client_id', clientId)
  if (postLogoutRedirectUri !== undefined) {
    url.searchParams.set('post_logout_redirect_uri', postLogoutRedirectUri)
  }
  const short = url.href
  if (idToken === undefined) return short
  url.searchParams.set('id_token_hint', idToken)
  return url.href.length > MAX_URL_LENGTH ? short : url.href
}
