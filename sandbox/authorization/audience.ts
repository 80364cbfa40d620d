// SMART's `aud` as what it is: the resource that the tokens are for (RFC 8707 in the library's terms).
// A token opens the one FHIR base that its authorization named, and a face's authorization server
// knows no other's.

import type { IncomingMessage } from 'node:http'
import type { Context } from 'oidc-provider'
import type { Site } from '../faces/face.ts'
import type { Sites } from '../site.ts'
import { errors } from './library.ts'
import { isScope } from './scopes.ts'

/** Refuses with `invalid_request` an authorization request whose `aud` is not this server's. */
export function verifyAudience(sites: Sites, ctx: Context, aud: string | undefined): void {
  // Pushed requests were verified when they were pushed; since then the library keeps its own `aud`.
  if (ctx.oidc.entities.PushedAuthorizationRequest !== undefined) return
  const { face } = siteOfRequest(sites, ctx.req)
  if (face.refusesAuthorization !== undefined) {
    throw new errors.CustomOIDCProviderError(face.refusesAuthorization, 'a habit of this face')
  }
  if (face.refusesAudience) {
    if (aud !== undefined) throw new errors.InvalidRequest('aud is not known here')
  } else if (aud === undefined) {
    throw new errors.InvalidRequest('aud is missing: the FHIR base URL that access is asked for')
  } else if (siteOfBase(sites, ctx.req, aud) === undefined) {
    throw new errors.InvalidRequest('aud is no FHIR base URL of this server')
  }
}

/** The library's feature that ties tokens to a FHIR base and decides which scopes it has. */
export function resourceIndicators(sites: Sites) {
  return {
    enabled: true,
    defaultResource: ({ req, oidc }: Context) => {
      const site = siteOfRequest(sites, req)
      return site.face.refusesAudience ? site.base : siteOfBase(sites, req, oidc.params.aud)?.base
    },
    useGrantedResource: () => true,
    getResourceServerInfo: ({ req, oidc }: Context, base: string) => {
      const site = siteOfBase(sites, req, base)
      if (site === undefined) throw new errors.InvalidTarget('no FHIR base URL of this server')
      const scope = oidc.entities.Grant?.getResourceScope(base) || oidc.params.scope || ''
      verifyScopes(scope, site)
      return { scope, accessTokenFormat: 'opaque' }
    },
  }
}

/** The face through whose address a request came. */
export function siteOfRequest(sites: Sites, req: IncomingMessage): Site {
  const { originalUrl } = req as typeof req & { originalUrl?: string }
  const { pathname } = new URL(originalUrl ?? req.url ?? '/', 'http://sandbox')
  const site = sites.locate(pathname)?.site ?? sites.all[0]
  if (site === undefined) throw new Error('a sandbox has at least one face')
  return site
}

/** The face of a FHIR base, among those of the authorization server that a request came to. */
function siteOfBase(sites: Sites, req: IncomingMessage, base: string | undefined) {
  const site = sites.byBase(base)
  return site?.mount === siteOfRequest(sites, req).mount ? site : undefined
}

function verifyScopes(scope: string, { face }: Site): void {
  for (const item of scope.split(' ')) {
    if (item !== '' && !(isScope(item) && face.acceptsScope?.(item) !== false)) {
      throw new errors.InvalidScope('a scope is not known here')
    }
  }
}
