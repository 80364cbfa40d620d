// The upstream target, by construction: the session's own base path and segments that were judged one
// by one on the raw request target. No URL parser ever sees input, so nothing can climb, name another
// host or smuggle a query (attacks P1-P6, P14, P24). Pure: no I/O.

import { BrokerError } from '../errors.ts'

export interface UpstreamBase {
  /** `https://ehr.example.org`. */
  origin: string
  /** Path of the FHIR base without a trailing slash. */
  path: string
}

const MAX_TARGET_LENGTH = 8 * 1024
const MAX_SEGMENTS = 64

// RFC 3986 pchar without what FHIR never needs: dots alone are judged apart, `%` must be an escape.
const SEGMENT = /^(?:[A-Za-z0-9\-._~!$&'()*+,=:@|]|%[0-9A-Fa-f]{2})*$/
// Escapes that another parser could read as a separator, a dot, a control or another escape.
const HARMFUL_ESCAPE = /%(?:2[eEfF5]|5[cC]|3[bBfF]|23|[01][0-9A-Fa-f]|7[fF])/
const QUERY = /^(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/?|[\]^`{}"\\<>]|%[0-9A-Fa-f]{2})*$/
const HARMFUL_QUERY_ESCAPE = /%(?:0[0aAdD])/
const FORMATS = new Set([
  ...['json', 'application/json', 'application/fhir+json', 'application/json+fhir', 'text/json'],
  ...['xml', 'application/xml', 'application/fhir+xml', 'application/xml+fhir', 'text/xml'],
  ...['ndjson', 'application/ndjson', 'application/fhir+ndjson'],
  ...['ttl', 'turtle', 'text/turtle', 'application/fhir+turtle'],
])

/** Splits a registered FHIR base once; registrations are checked when the configuration is read. */
export function parseUpstreamBase(iss: string): UpstreamBase {
  const { origin, pathname } = new URL(iss)
  return { origin, path: pathname.replace(/\/$/, '') }
}

/**
 * The path and query to ask of the EHR for a raw request target below `prefix`. Refuses with
 * `uri_too_long`, `path_invalid`, `query_invalid` or `format_refused`; the result always begins with
 * the base's own path.
 */
export function buildUpstreamTarget(
  rawTarget: string,
  prefix: string,
  base: UpstreamBase,
): { path: string; query: string } {
  if (rawTarget.length > MAX_TARGET_LENGTH) throw new BrokerError('uri_too_long')
  if (!rawTarget.startsWith(prefix)) throw new BrokerError('path_invalid')
  const rest = rawTarget.slice(prefix.length)
  const mark = rest.indexOf('?')
  const path = mark === -1 ? rest : rest.slice(0, mark)
  const query = mark === -1 ? '' : rest.slice(mark + 1)
  return { path: base.path + judgePath(path), query: judgeQuery(query) }
}

function judgePath(path: string): string {
  if (path === '' || path === '/') return path
  if (path[0] !== '/') throw new BrokerError('path_invalid')
  const segments = path.slice(1).split('/')
  if (segments.length > MAX_SEGMENTS) throw new BrokerError('path_invalid')
  for (const [i, segment] of segments.entries()) {
    const isLast = i === segments.length - 1
    if (segment === '' && !isLast) throw new BrokerError('path_invalid')
    if (!SEGMENT.test(segment) || HARMFUL_ESCAPE.test(segment)) {
      throw new BrokerError('path_invalid')
    }
    if (/^\.+$/.test(segment)) throw new BrokerError('path_invalid')
  }
  return path
}

function judgeQuery(query: string): string {
  if (query === '') return ''
  if (!QUERY.test(query) || HARMFUL_QUERY_ESCAPE.test(query)) throw new BrokerError('query_invalid')
  if (query.includes('_format')) judgeFormat(query)
  return query
}

function judgeFormat(query: string): void {
  const formats = new URLSearchParams(query).getAll('_format')
  if (formats.length === 0) return
  const [format = ''] = formats
  const [type = ''] = format.toLowerCase().split(';')
  // A plus that was not escaped reads as a space.
  if (formats.length > 1 || !FORMATS.has(type.trim().replace(' ', '+'))) {
    throw new BrokerError('format_refused')
  }
}
