// The same-origin guard: which requests may use a ticket at all. Browsers say where a request comes
// from; callers that do not must show on unsafe methods that no form could have made them. Decided
// before any session is looked up, so that both answers look alike to other sites (attacks X1-X15).
// Pure: no I/O.

import { BrokerError } from '../errors.ts'

export interface Caller {
  method: string
  origin?: string
  /** Sec-Fetch-Site, -Mode, -Dest; all absent for callers that are not browsers. */
  site?: string
  mode?: string
  dest?: string
  /** The X-CSRF header. */
  csrf?: string
  /** Sec-Purpose. */
  purpose?: string
}

export interface GuardRules {
  /** Our own origin and those of the frontend, exact. */
  origins: ReadonlySet<string>
  /** The session lives in a frame with SameSite=None: nothing but the header and Origin protects it. */
  embedded: boolean
}

const SAFE_METHODS = new Set(['GET', 'HEAD'])
const MEDIA = new Set(['image', 'audio', 'video'])

/**
 * Lets a request pass, or refuses with `cross_site`, `navigation_refused`, `csrf_header_missing` or
 * `prefetch_refused`. Content types and method overrides take no part.
 */
export function verifyCaller(caller: Caller, rules: GuardRules): void {
  const { method, origin, site, mode, dest = '', purpose } = caller
  if (purpose?.includes('prefetch')) throw new BrokerError('prefetch_refused')
  if (origin !== undefined && !rules.origins.has(origin)) throw new BrokerError('cross_site')
  if (site === undefined) return verifyScript(caller, rules)
  if (site !== 'same-origin' && origin === undefined) throw new BrokerError('cross_site')
  if (mode === 'navigate') throw new BrokerError('navigation_refused')
  if (dest !== '' && dest !== 'empty' && !isMedia(caller)) {
    throw new BrokerError('navigation_refused')
  }
  if (rules.embedded || !SAFE_METHODS.has(method)) verifyIntent(caller)
}

/** Images, audio and video of our own origin are shown by elements, which set no headers. */
function isMedia({ site, dest = '', method }: Caller): boolean {
  return site === 'same-origin' && MEDIA.has(dest) && method === 'GET'
}

// Without Sec-Fetch-Site: curl, scripts, old browsers. Absence never means allow for unsafe methods.
function verifyScript(caller: Caller, rules: GuardRules): void {
  if (caller.mode === 'navigate') throw new BrokerError('navigation_refused')
  if (rules.embedded || !SAFE_METHODS.has(caller.method)) verifyIntent(caller)
}

function verifyIntent({ origin, csrf }: Caller): void {
  if (origin === undefined && csrf !== '1') throw new BrokerError('csrf_header_missing')
}

/** Whether a caller is no browser: it sends no Sec-Fetch-Site. */
export function isScript({ site }: Pick<Caller, 'site'>): boolean {
  return site === undefined
}

/** The headers of a CORS answer for an allowed origin; undefined for every other. */
export function buildCorsHeaders(
  origin: string | undefined,
  origins: ReadonlySet<string>,
): Record<string, string> | undefined {
  if (origin === undefined || !origins.has(origin)) return undefined
  return {
    'access-control-allow-origin': origin,
    'access-control-allow-credentials': 'true',
    'access-control-expose-headers': EXPOSED,
    vary: 'Origin',
  }
}

const EXPOSED =
  'ETag, Location, Content-Location, Retry-After, Proxy-Status, Last-Modified, Link, X-Progress'

/** The further headers of a pre-flight answer; read before any session. */
export const preflightHeaders: Readonly<Record<string, string>> = {
  'access-control-allow-methods': 'GET, HEAD, POST, PUT, PATCH, DELETE',
  'access-control-allow-headers':
    'Accept, Content-Type, If-Match, If-None-Match, If-None-Exist, If-Modified-Since, Prefer, Range, X-CSRF, X-Request-Id',
  'access-control-max-age': '600',
}

/** Whether the Host header names the public URL's host; exact, no defaults guessed. */
export function isOwnHost(host: string | undefined, publicUrl: string): boolean {
  const url = new URL(publicUrl)
  return host !== undefined && (host === url.host || host === `${url.hostname}:${portOf(url)}`)
}

function portOf({ port, protocol }: URL): string {
  return port || (protocol === 'https:' ? '443' : '80')
}
