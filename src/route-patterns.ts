// Which routes an address belongs to, for refusals of methods that its path does not know. Pure: no I/O.

/** A route as it was registered. */
export interface RoutePattern {
  method: string
  isFhir: boolean
}

/**
 * Routes by the pattern of their path: `add` takes Fastify's, `find` the routes of a path. What lies below every
 * path, as the files of a frontend do, counts where no route of its own does (RFC 9110 15.5.6).
 */
export function createRoutePatterns() {
  const patterns: (RoutePattern & { matches: RegExp; isForAll: boolean })[] = []
  return {
    add(url: string, { method, isFhir }: RoutePattern): void {
      const source = url
        .replace(/[.+?^${}()|[\]\\]/g, '\\$&')
        .replace(/:[^/]+/g, '[^/]+')
        .replace(/\*/g, '.*')
      const isForAll = url.endsWith('/*') && !isFhir
      patterns.push({ matches: new RegExp(`^${source}$`), method, isFhir, isForAll })
    },
    find(path: string): readonly RoutePattern[] {
      const found = patterns.filter(({ matches }) => matches.test(path))
      const own = found.filter(({ isForAll }) => !isForAll)
      return own.length > 0 ? own : found
    },
  }
}
