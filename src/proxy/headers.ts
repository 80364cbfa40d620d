// Which headers cross, both ways: lists of what FHIR needs, never of what is forbidden. Our own
// Authorization is the only one; cookies, forwarding headers and whatever a Connection header names
// never cross (attacks P7-P10, P27, R1, R5). Pure: no I/O.

import { BrokerError } from '../errors.ts'

/** Node's or undici's raw header list: names and values in turn. */
export type RawHeaders = readonly (string | Buffer)[]

const REQUEST_HEADERS = new Set([
  ...['accept-language', 'content-type', 'content-language'],
  ...['if-match', 'if-none-match', 'if-none-exist', 'if-modified-since', 'if-unmodified-since'],
  ...['if-range', 'prefer', 'range'],
  ...['x-request-id', 'x-correlation-id', 'x-provenance', 'traceparent', 'tracestate'],
])

const RESPONSE_HEADERS = new Set([
  ...['content-type', 'content-language', 'content-range', 'content-length', 'accept-ranges'],
  ...['etag', 'last-modified', 'location', 'content-location', 'link', 'warning', 'retry-after'],
  ...['x-request-id', 'x-correlation-id', 'x-progress', 'preference-applied', 'allow'],
])

const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/
const MAX_VALUE_LENGTH = 8 * 1024
const REFUSED_TYPES =
  /^(?:text\/html|application\/xhtml\+xml|image\/svg\+xml|.*(?:javascript|ecmascript))/

/**
 * The headers of the upstream request: what the list lets through, and our bearer. Refuses with
 * `header_invalid` what undici would refuse: a request refused there wedges its connection.
 */
export function buildRequestHeaders(
  raw: readonly string[],
  bearer: string,
  acceptEncoding: 'identity' | 'gzip' | undefined,
): string[] {
  const headers = ['authorization', bearer]
  let accept: string | undefined
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = (raw[i] as string).toLowerCase()
    const value = raw[i + 1] as string
    if (name === 'accept') accept = accept === undefined ? value : `${accept}, ${value}`
    if (!REQUEST_HEADERS.has(name)) continue
    if (!isValue(value)) throw new BrokerError('header_invalid')
    headers.push(name, value)
  }
  headers.push('accept', buildAccept(accept))
  if (acceptEncoding !== undefined) headers.push('accept-encoding', acceptEncoding)
  return headers
}

/** The Accept to send: what was asked for without what could run here, else FHIR JSON. */
export function buildAccept(asked: string | undefined): string {
  if (asked === undefined || asked === '*/*') return 'application/fhir+json'
  if (!isValue(asked)) throw new BrokerError('header_invalid')
  const kept = asked
    .split(',')
    .map(item => item.trim())
    .filter(item => item !== '' && !REFUSED_TYPES.test(item.toLowerCase()))
  const wildcardAlone = kept.every(item => /^\*\/\*/.test(item))
  return wildcardAlone ? 'application/fhir+json' : kept.join(', ')
}

/** Whether an access token can be sent as it is: the characters of RFC 6750, and nothing else. */
export function isBearerToken(token: string): boolean {
  return /^[\x21-\x7e]{1,16384}$/.test(token)
}

/** The response headers that cross, names in lower case, values as sent. */
export function selectResponseHeaders(raw: RawHeaders): Map<string, string> {
  const headers = new Map<string, string>()
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i]?.toString('latin1').toLowerCase() as string
    if (!RESPONSE_HEADERS.has(name)) continue
    const value = raw[i + 1]?.toString('latin1') as string
    if (!isValue(value)) continue
    const earlier = headers.get(name)
    headers.set(name, earlier === undefined ? value : `${earlier}, ${value}`)
  }
  return headers
}

/** One response header of the raw list, whether it crosses or not. */
export function readHeader(raw: RawHeaders, wanted: string): string | undefined {
  for (let i = 0; i + 1 < raw.length; i += 2) {
    if (raw[i]?.toString('latin1').toLowerCase() === wanted) return raw[i + 1]?.toString('latin1')
  }
  return undefined
}

function isValue(value: string): boolean {
  return value.length <= MAX_VALUE_LENGTH && VALUE.test(value)
}
