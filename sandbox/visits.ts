// How often each public document was asked for, for faces that behave otherwise the first or the
// second time.

import type { Call } from './faces/face.ts'
import { openidPath, routes } from './site.ts'

const documents = ['/.well-known/smart-configuration', '/metadata', openidPath, routes.jwks]

/** Counts from nothing: the number of this visit, from 1; 0 where the path is no such document's. */
export function createVisits(): (call: Pick<Call, 'site' | 'path'>) => number {
  const counts = new Map<string, number>()
  return ({ site, path }) => {
    if (!documents.includes(path)) return 0
    const address = `${site.face.name} ${path}`
    const count = (counts.get(address) ?? 0) + 1
    counts.set(address, count)
    return count
  }
}
