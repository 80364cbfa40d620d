// Where each face stands: its FHIR base, its authorization server's endpoints, and which face a path
// or an `aud` belongs to. Pure.

import type { Endpoints, Face, Place, Site } from './faces/face.ts'

/** Routes of the authorization server, below its mount. */
export const routes = {
  authorize: '/oauth/authorize',
  token: '/oauth/token',
  revoke: '/oauth/revoke',
  introspect: '/oauth/introspect',
  push: '/oauth/par',
  jwks: '/oauth/jwks',
  logout: '/oauth/logout',
} as const satisfies Endpoints

export const openidPath = '/.well-known/openid-configuration'

export interface Sites {
  readonly all: readonly Site[]
  byName(name: string): Site | undefined
  /** The face whose FHIR base this is, with or without a slash at its end. */
  byBase(base: string | undefined): Site | undefined
  locate(path: string): Place | undefined
}

/** Gives each face its addresses. The first one also answers for the authorization server's root. */
export function createSites(origin: string, faces: readonly Face[]): Sites {
  const all = faces.map(face => createSite(origin, face))
  const byBase = new Map(all.map(site => [site.base, site]))
  const byName = new Map(all.map(site => [site.face.name, site]))
  return {
    all,
    byName: name => byName.get(name),
    byBase: base => byBase.get(base?.replace(/\/$/, '') ?? ''),
    locate(path) {
      const [first, name] = path.slice(1).split('/')
      const named = first === 'faces' ? byName.get(name ?? '') : undefined
      const based = all.find(site => isBelow(path, new URL(site.base).pathname))
      const site = based ?? named ?? all[0]
      if (site === undefined) return undefined
      if (based !== undefined) return locateBelowBase(site, path)
      const rest = path.slice(site.mount.length)
      return /^\/(oauth|\.well-known)\//.test(rest)
        ? { site, kind: 'oauth', path: rest }
        : undefined
    },
  }
}

function createSite(origin: string, face: Face): Site {
  const mount = face.base === undefined ? `/faces/${face.name}` : ''
  const endpoints = Object.fromEntries(
    Object.entries(routes).map(([name, path]) => [name, `${origin}${mount}${path}`]),
  ) as unknown as Endpoints
  return { face, origin, mount, endpoints, base: `${origin}${face.base ?? `${mount}/fhir`}` }
}

function locateBelowBase(site: Site, path: string): Place {
  const rest = path.slice(new URL(site.base).pathname.length)
  // OpenID configuration is found below the FHIR base too, as some vendors have it.
  return { site, kind: rest === openidPath ? 'oauth' : 'fhir', path: rest }
}

function isBelow(path: string, base: string): boolean {
  return path === base || path.startsWith(`${base}/`)
}
