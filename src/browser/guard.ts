// The same-origin guard: which requests may use a ticket at all. Browsers say where a request comes
// from (Fetch Metadata, Origin); callers that do not must show on unsafe methods that no form could
// have made them. Decided before any session is looked up, so that all answers look alike to other
// sites, and never by content type or method override (attacks X1-X15, P6). Pure: no I/O.

import { cleanAddress } from '../clean-text.ts'
import { BrokerError } from '../errors.ts'

/** The headers that decide, as Node gives them: one that came twice is joined, and equals nothing. */
export interface CallerHeaders {
  origin?: string | undefined
  'sec-fetch-site'?: string | string[] | undefined
  'sec-fetch-mode'?: string | string[] | undefined
  'sec-fetch-dest'?: string | string[] | undefined
  'x-csrf'?: string | string[] | undefined
}

export interface GuardRules {
  /** Our own origin and those of the frontend, exact. */
  origins: ReadonlySet<string>
  /** The session lives in a frame with SameSite=None, so that old browsers send its ticket anywhere. */
  embedded: boolean
  /** A page of our own may have a file saved (`isDownload`); no unless told. */
  downloads?: boolean
}

const SAFE_METHODS = new Set(['GET', 'HEAD'])
/** A value that is not known is another site's. */
const OWN_SITES = new Set<unknown>([undefined, 'same-origin', 'none'])
const MEDIA = new Set<unknown>(['image', 'audio', 'video'])
const PAGE_MODES = new Set<unknown>(['navigate', 'nested-navigate', 'websocket'])
const DOWNLOADS = new Set<unknown>(['empty', 'document'])

/**
 * Lets a request pass or refuses with `cross_site`, `navigation_refused` or `csrf_header_missing`.
 * Absence of Sec-Fetch-Site (curl, scripts, old browsers) never means allow for unsafe methods.
 */
export function verifyCaller(method: string, headers: CallerHeaders, rules: GuardRules): void {
  const { origin, 'sec-fetch-site': site, 'sec-fetch-mode': mode, 'sec-fetch-dest': dest } = headers
  if (origin !== undefined && !rules.origins.has(origin)) {
    throw new BrokerError('cross_site', { detail: `Origin: ${cleanAddress(origin)}` })
  }
  if (origin === undefined && !OWN_SITES.has(site)) {
    throw new BrokerError('cross_site', { detail: 'Sec-Fetch-Site: another site' })
  }
  const isSafe = SAFE_METHODS.has(method)
  const isFetched = dest === undefined || dest === 'empty' || (isSafe && MEDIA.has(dest))
  const isPage = !isFetched || PAGE_MODES.has(mode) || site === 'none'
  if (isPage && !(rules.downloads && isDownload(method, headers))) {
    throw new BrokerError('navigation_refused')
  }
  if (isSafe && !(rules.embedded && site === undefined)) return
  if (origin === undefined && headers['x-csrf'] !== '1') {
    throw new BrokerError('csrf_header_missing')
  }
}

/**
 * Whether a page of our own sends the whole tab to an address: what `<a download>` looks like in Chromium
 * (`empty`) and Firefox (`document`, as any link; Safari says nothing). Only for answers that a browser
 * shows in no case.
 */
export function isDownload(method: string, headers: CallerHeaders): boolean {
  const { 'sec-fetch-site': site, 'sec-fetch-mode': mode, 'sec-fetch-dest': dest } = headers
  return method === 'GET' && site === 'same-origin' && mode === 'navigate' && DOWNLOADS.has(dest)
}

/** Whether a caller is no browser: it sends no Sec-Fetch-Site (Node's fetch sends the mode alone). */
export function isScript(headers: CallerHeaders): boolean {
  return headers['sec-fetch-site'] === undefined
}

/**
 * The values of Host that are served: those of the public URL and of the frontend's origins, with and
 * without a default port. Nothing is ever built from the header itself (attacks P6).
 */
export function buildOwnHosts(urls: readonly string[]): ReadonlySet<string> {
  const hosts = new Set<string>()
  for (const { host, hostname, protocol, port } of urls.map(url => new URL(url))) {
    hosts.add(host)
    if (port === '') hosts.add(`${hostname}:${protocol === 'https:' ? 443 : 80}`)
  }
  return hosts
}

/** The Host header, or undefined when it was not sent exactly once (RFC 9112 3.2: then a 400). */
export function readHost(rawHeaders: readonly string[]): string | undefined {
  let host: string | undefined
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] as string
    if (!isHostName(name)) continue
    if (host !== undefined && host !== rawHeaders[i + 1]) return undefined
    if (host !== undefined && !rawHeaders.includes(':authority')) return undefined
    host = rawHeaders[i + 1]
  }
  return host
}

/** HTTP/2 has it as a pseudo-header (RFC 9113 8.3.1). */
function isHostName(name: string): boolean {
  return (name.length === 4 && name.toLowerCase() === 'host') || name === ':authority'
}

/** Whether a Host header names a host that is served. */
export function isOwnHost(host: string, hosts: ReadonlySet<string>): boolean {
  return hosts.has(host) || hosts.has(host.toLowerCase())
}

/** The headers of an answer to an origin of the frontend, names and values in turn. */
export function buildCorsHeaders(origin: string): readonly string[] {
  return [
    ...['access-control-allow-origin', origin],
    ...['access-control-allow-credentials', 'true'],
    ...['access-control-expose-headers', EXPOSED],
  ]
}

const EXPOSED =
  'Date, ETag, Last-Modified, Location, Content-Location, Link, Retry-After, Warning, Content-Range, Accept-Ranges, X-Progress, X-Request-Id, Ehr-Request-Id, Proxy-Status'

/** What frontends send that trace their calls, or that use Medplum's client: let in, and not handed on. */
const TRACING =
  'Baggage, Sentry-Trace, traceparent, tracestate, X-B3-SpanId, X-B3-TraceId, X-Medplum, X-Requested-With'

/** The further headers of a pre-flight answer; `further` are the operator's own. */
export function buildPreflightHeaders(further: readonly string[]): Record<string, string> {
  return {
    'access-control-allow-methods': 'GET, HEAD, POST, PUT, PATCH, DELETE',
    'access-control-allow-headers': [ALLOWED, TRACING, ...further].join(', '),
    'access-control-max-age': '600',
  }
}

const ALLOWED =
  'Accept, Accept-Language, Cache-Control, Content-Type, If-Match, If-Modified-Since, If-None-Exist, If-None-Match, If-Range, If-Unmodified-Since, Last-Event-ID, Prefer, Range, X-Correlation-Id, X-CSRF, X-Provenance, X-Request-Id, X-Security-Context'
