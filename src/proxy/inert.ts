// What comes from an EHR is shown at our origin, so it must not be able to run there: FHIR's media
// types pass, everything else is an attachment in a sandbox, and nothing is sniffed, cached or framed
// (attacks R3, R4, R5, R21, X11, X12). Pure: no I/O, no clock.

import { isUtf8, type MediaType } from './media-type.ts'

/** Headers of every answer on a FHIR path, names and values in turn. */
export const securityHeaders: readonly string[] = [
  ...['cache-control', 'no-store, private'],
  ...['vary', 'Cookie, Origin'],
  ...['x-content-type-options', 'nosniff'],
  ...['content-security-policy', "default-src 'none'; sandbox; frame-ancestors 'none'"],
  ...['cross-origin-resource-policy', 'same-origin'],
  ...['cross-origin-opener-policy', 'same-origin'],
  ...['referrer-policy', 'no-referrer'],
  ...['x-frame-options', 'DENY'],
]

const OF_THE_PAGE = new Set(['vary', 'content-security-policy'])

/**
 * Names and values for an answer of our own on a FHIR path, by its Content-Type. A page is left its own
 * policy, which takes its style, and what it varies by.
 */
export function secureOwnAnswer(contentType: unknown): readonly (readonly [string, string])[] {
  return String(contentType).startsWith('text/html') ? headersOfPages : headersOfData
}

const headersOfData = securityHeaders.flatMap((name, i) =>
  i % 2 === 0 ? [[name, securityHeaders[i + 1] as string] as const] : [],
)
const headersOfPages = headersOfData.filter(([name]) => !OF_THE_PAGE.has(name))

const HARMLESS_TYPES = new Set([
  ...['application/fhir+json', 'application/json+fhir', 'application/json', 'text/json'],
  ...['application/fhir+xml', 'application/xml+fhir'],
  ...['application/fhir+ndjson', 'application/ndjson', 'application/x-ndjson'],
  ...['application/fhir+turtle', 'text/turtle', 'text/event-stream'],
])

/** What a browser saves and does not show. */
export const attachment: readonly string[] = ['content-disposition', 'attachment']

/**
 * The Content-Type under which content reaches the browser, and `attachment` for all that is not
 * FHIR's own; `type` is undefined when the EHR's means nothing.
 */
export function buildContentHeaders(type: MediaType | undefined): readonly string[] {
  if (type === undefined) return ['content-type', 'application/octet-stream', ...attachment]
  const isHarmless = HARMLESS_TYPES.has(type.name) && isUtf8(type)
  const header = ['content-type', type.written]
  return isHarmless ? header : [...header, ...attachment]
}
