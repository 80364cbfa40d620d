// SMART's `aud` as what it is: the resource that the tokens are for (RFC 8707 in the library's terms).
// A token opens the one FHIR base that its authorization named, and no other face's.

import type { IncomingMessage } from 'node:http'
import { type Context, errors } from 'oidc-provider'
import type { Site, Sites } from '../site.ts'
import { isScope } from './scopes.ts'

/** Refuses with `invalid_request` an authorization request whose `aud` is not this server's. */
export function verifyAudience(sites: Sites, ctx: Context, aud: string | undefined): void {
  // Pushed requests were verified when they were pushed; since then the library keeps its own `aud`.
  if (ctx.oidc.entities.PushedAuthorizationRequest !== undefined) return
  const { face, mount } = siteOfRequest(sites, ctx.req)
  if (face.refusesAudience) {
    if (aud !== undefined) throw new errors.InvalidRequest('aud is not known here')
  } else if (aud === undefined) {
    throw new errors.InvalidRequest('aud is missing: the FHIR base URL that access is asked for')
  } else if (sites.byBase(aud)?.mount !== mount) {
    throw new errors.InvalidRequest('aud is no FHIR base URL of this server')
  }
}

/** The library's feature that ties tokens to a FHIR base and decides which scopes it has. */
export function resourceIndicators(sites: Sites) {
  return {
    enabled: true,
    defaultResource: (ctx: Context) => {
      const site = siteOfRequest(sites, ctx.req)
      return site.face.refusesAudience ? site.base : sites.byBase(ctx.oidc.params.aud)?.base
    },
    useGrantedResource: () => true,
    getResourceServerInfo: (ctx: Context, base: string) => {
      const site = sites.byBase(base)
      if (site?.mount !== siteOfRequest(sites, ctx.req).mount) {
        throw new errors.InvalidTarget('no FHIR base URL of this server')
      }
      const scope = ctx.oidc.entities.Grant?.getResourceScope(base) || ctx.oidc.params.scope || ''
      verifyScopes(scope, site)
      return { scope, accessTokenFormat: 'opaque' }
    },
  }
}

function verifyScopes(scope: string, { face }: Site): void {
  for (const item of scope.split(' ')) {
    if (item !== '' && !(isScope(item) && face.acceptsScope?.(item) !== false)) {
      throw new errors.InvalidScope('a scope is not known here')
    }
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
