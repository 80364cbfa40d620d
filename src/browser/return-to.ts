// Where the browser goes after a login: a local path of the frontend, or one at another of its configured
// origins, never a place of the caller's choosing (attacks L23, C14). Pure: no I/O.

const MAX_BYTES = 512
// Visible ASCII without backslash, quote, angle bracket: what URL parsers disagree about stays out.
const LOCAL_PATH = /^\/(?![/\\])[!#-;=?-[\]-_a-z~%]*$/

export interface Frontend {
  /** Origin the frontend is served from. */
  origin: string
  /** Local path used when none, or no acceptable one, is asked for. */
  returnTo: string
  /** Further origins of the frontend, exact; a login that names one comes back to it. */
  otherOrigins?: readonly string[]
}

/**
 * The asked return path when it is a plain local path, or one behind an origin of the frontend, of at most
 * 512 bytes; else the default.
 */
export function parseReturnTo(asked: unknown, frontend: Frontend): string {
  if (typeof asked !== 'string' || asked.length > MAX_BYTES) return frontend.returnTo
  const { origin, otherOrigins = [] } = frontend
  const named = [origin, ...otherOrigins].find(one => asked.startsWith(`${one}/`)) ?? ''
  const path = asked.slice(named.length)
  if (!isLocalPath(path, named || origin)) return frontend.returnTo
  return named === origin ? path : asked
}

function isLocalPath(path: string, origin: string): boolean {
  if (!LOCAL_PATH.test(path)) return false
  const decoded = decodeLoosely(path)
  if (decoded === undefined || /^\/\/|[\\\x00-\x1f\x7f]/.test(decoded)) return false
  const url = new URL(path, origin)
  return url.origin === new URL(origin).origin && url.pathname + url.search + url.hash === path
}

/**
 * The absolute landing address: the return path with `session` (or, after a refusal by the EHR,
 * `error`) set, replaced and never doubled.
 */
export function buildLandingUrl(
  returnTo: string,
  origin: string,
  outcome: { session?: string; error?: string },
): string {
  const url = new URL(returnTo, origin)
  for (const name of ['session', 'error'] as const) {
    url.searchParams.delete(name)
    const value = outcome[name]
    if (value !== undefined) url.searchParams.append(name, value)
  }
  return url.href
}

function decodeLoosely(path: string): string | undefined {
  const [local = ''] = path.split(/[?#]/, 1)
  try {
    return decodeURIComponent(local)
  } catch {
    return undefined
  }
}
