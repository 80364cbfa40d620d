// What comes from an EHR is shown at our origin, so it must not be able to run there: FHIR's media
// types pass, everything else is an attachment in a sandbox, and nothing is sniffed, cached or framed
// (attacks R3, R4, R21). Pure: no I/O.

/** Headers of every answer on a FHIR path, in Node's raw form. */
export const SECURITY_HEADERS: readonly string[] = [
  'cache-control',
  'no-store, private',
  'vary',
  'Cookie, Origin',
  'x-content-type-options',
  'nosniff',
  'referrer-policy',
  'no-referrer',
  'cross-origin-resource-policy',
  'same-origin',
  'x-frame-options',
  'DENY',
  'content-security-policy',
  "default-src 'none'; sandbox; frame-ancestors 'none'",
]

const FHIR_TYPES = new Set([
  ...['application/fhir+json', 'application/json+fhir', 'application/json', 'text/json'],
  ...['application/fhir+xml', 'application/xml+fhir'],
  ...['application/fhir+ndjson', 'application/ndjson', 'application/x-ndjson'],
  ...['application/fhir+turtle', 'text/turtle'],
  ...['application/json-patch+json', 'application/dicom+json', 'text/event-stream'],
])
const MEDIA =
  /^(?:image\/(?:png|jpeg|gif|webp|bmp|tiff|avif)|audio\/[a-z0-9.+-]+|video\/[a-z0-9.+-]+)$/

export type ContentKind = 'fhir' | 'media' | 'other'

/** What a Content-Type is, whatever its parameters. */
export function classifyContent(contentType: string | undefined): ContentKind {
  const [type = ''] = (contentType ?? '').toLowerCase().split(';')
  const name = type.trim()
  if (FHIR_TYPES.has(name)) return 'fhir'
  return MEDIA.test(name) ? 'media' : 'other'
}

/** The Content-Type and disposition under which content may reach the browser. */
export function buildContentHeaders(contentType: string | undefined): string[] {
  if (contentType === undefined) return ['content-disposition', 'attachment']
  if (classifyContent(contentType) !== 'other') return ['content-type', contentType]
  return ['content-type', contentType, 'content-disposition', 'attachment']
}
