// The upstream target, by construction: the session's own base path, and a path and a query that were
// judged on the raw request target. No URL parser ever sees input, so nothing can climb, name another
// host or smuggle a query (attacks P1-P6, P10, P14, P24). Pure: no I/O, no clock.

import { BrokerError } from '../errors.ts'
import { readForm } from '../form.ts'

/** Where an EHR's FHIR server lies. */
export interface UpstreamBase {
  /** `https://ehr.example.org`. */
  origin: string
  /** Path of the FHIR base without a trailing slash. */
  path: string
}

/** What is asked for below the FHIR base, as sent. */
export interface Target {
  /** Empty for the base itself, else it begins with a slash. */
  path: string
  /** Without the question mark; empty when there is none. */
  query: string
}

/** Of what follows the mount: a link of the EHR is as long at ours. */
const MAX_TARGET_LENGTH = 8 * 1024

// RFC 3986 path without `;`. Escapes stay as sent, but none that another parser could read as a dot, a
// separator, a control, a further escape or a byte above ASCII. No segment is made of dots alone or
// empty; the first has no colon, so that it can never be read as a scheme (RFC 3986 section 4.2).
const PATH =
  /^(?!\/[^/]*:)(?:\/(?!\.+(?:\/|$))(?:[A-Za-z0-9\-._~!$&'()*+,=:@]|%(?![01]|2[35EeFf]|3[BbFf]|5[Cc]|7[Ff]|[89A-Fa-f])[0-9A-Fa-f]{2})+)*\/?$/
// RFC 3986 section 3.4, further question marks included, and what browsers leave bare; no control
// characters but tabs and line feeds, as escapes.
const QUERY =
  /^(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/?|[\]{}^`\\]|%(?!0[0-8B-Fb-f]|1|7[Ff])[0-9A-Fa-f]{2})*$/
// A parameter whose name could be one of those that are judged.
const JUDGED_NAME = /(?:^|&)(?:[^=&]*%|_(?:format|method)(?=[=&]|$))/i
// What joins a base that ends in a slash and a path that begins with one: `BASE//Patient/1`. Of FHIR's
// own first segments alone, so that nothing reads like the name of a host.
const JOINED = /^\/\/(?=(?:[A-Z][A-Za-z]*|[$_][a-z-]+|metadata)(?:\/|$))/
// The common case by far: a type, an id, a version.
const PLAIN = /^(?:\/[A-Za-z0-9][A-Za-z0-9.-]*)*$/
const BINARY = /^\/Binary(?:\/|$)/

const FORMATS = new Set([
  ...['json', 'text/json', 'application/json', 'application/fhir+json', 'application/json+fhir'],
  ...['xml', 'text/xml', 'application/xml', 'application/fhir+xml', 'application/xml+fhir'],
  ...['ndjson', 'application/ndjson', 'application/fhir+ndjson'],
  ...['ttl', 'text/turtle', 'application/fhir+turtle'],
])

/** Splits a registered FHIR base; registrations are judged when the configuration is read. */
export function parseUpstreamBase(iss: string): UpstreamBase {
  const { origin, pathname } = new URL(iss)
  return { origin, path: pathname.replace(/\/$/, '') }
}

/**
 * What a raw request target asks for below `mount`, our own path of the session's FHIR base. Refuses
 * with `uri_too_long`, `path_invalid`, `query_invalid` or `format_refused`.
 */
export function parseTarget(rawTarget: string, mount: string): Target {
  if (rawTarget.length - mount.length > MAX_TARGET_LENGTH) throw new BrokerError('uri_too_long')
  if (!rawTarget.startsWith(mount)) throw new BrokerError('path_invalid')
  const mark = rawTarget.indexOf('?', mount.length)
  const path = mark === -1 ? rawTarget.slice(mount.length) : rawTarget.slice(mount.length, mark)
  const joined = path.replace(JOINED, '/')
  if (!isRelativePath(joined)) throw new BrokerError('path_invalid')
  return { path: joined, query: mark === -1 ? '' : parseQuery(rawTarget.slice(mark + 1)) }
}

/**
 * Whether what follows the FHIR base in an address would be taken as a target, so that an address of the
 * EHR may become one of ours. A fragment never reaches a server.
 */
export function isTarget(rest: string): boolean {
  if (rest.length > MAX_TARGET_LENGTH) return false
  if (PLAIN.test(rest)) return true
  const mark = rest.indexOf('?')
  const path = mark === -1 ? rest : rest.slice(0, mark)
  if (!isRelativePath(path.replace(JOINED, '/'))) return false
  return mark === -1 || isQuery(rest.slice(mark + 1))
}

/** The path and query to send; it always begins with the base's own path, at a segment's border. */
export function buildUpstreamPath(base: UpstreamBase, { path, query }: Target): string {
  const whole = base.path + path || '/'
  return query === '' ? whole : `${whole}?${query}`
}

/** Whether a path is that of a file (FHIR Binary), whose content is nobody's to change. */
export function isBinary({ path }: Target): boolean {
  return BINARY.test(path)
}

/** Whether a path is the FHIR base itself, where batches and transactions go. */
export function isBase({ path }: Pick<Target, 'path'>): boolean {
  return path === '' || path === '/'
}

/** Whether a text is a path below some base: empty, or segments that neither climb nor mislead. */
export function isRelativePath(path: string): boolean {
  return PATH.test(path)
}

function parseQuery(query: string): string {
  if (!QUERY.test(query)) throw new BrokerError('query_invalid')
  if (JUDGED_NAME.test(query)) createParameterJudge()(query)
  return query
}

function isQuery(query: string): boolean {
  if (!QUERY.test(query)) return false
  try {
    if (JUDGED_NAME.test(query)) createParameterJudge()(query)
    return true
  } catch {
    return false
  }
}

/**
 * Makes the judge of one query or search form, whole or pair by pair: no method in disguise, and one
 * format at most, of FHIR's own. Refuses with `query_invalid` and `format_refused`.
 */
export function createParameterJudge(): (parameters: string) => void {
  let formats = 0
  return parameters => {
    for (const [name, value] of readForm(parameters)) {
      const lower = name.toLowerCase()
      if (lower === '_method') throw new BrokerError('query_invalid')
      if (lower !== '_format') continue
      if (++formats > 1 || !isFhirFormat(value)) throw new BrokerError('format_refused')
    }
  }
}

// A plus that was not escaped reads as a space.
function isFhirFormat(value: string): boolean {
  const [type = ''] = value.toLowerCase().split(';')
  return FORMATS.has(type.trim().replace(' ', '+'))
}
