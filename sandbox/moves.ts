// Documents that a face has moved: the address that clients ask for redirects, once or several times,
// to where it is served. Pure.

import type { Move, Place } from './faces/face.ts'

export interface Redirection {
  status: number
  location: string
}

/** Where a request goes on, or what it is served as. */
export function follow(place: Place): Place | Redirection {
  for (const move of place.site.face.moves ?? []) {
    const stops = [move.from, ...move.through]
    const at = stops.indexOf(place.path)
    if (at === -1) continue
    const next = stops[at + 1]
    if (next === undefined) return { ...place, path: move.from }
    return { status: move.status, location: locate(place, next, move) }
  }
  return place
}

function locate({ site, kind }: Place, path: string, { relative }: Move): string {
  if (!path.startsWith('/')) return path
  const url = kind === 'fhir' ? `${site.base}${path}` : `${site.origin}${site.mount}${path}`
  return relative ? url.slice(site.origin.length) : url
}
