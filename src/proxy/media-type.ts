// Media types as the proxy reads them: strictly, and only far enough to tell what a body is. Pure: no
// I/O, no clock. RFC 9110 section 8.3, FHIR R4 section 3.1.1 (and the media types of DSTU2).

export interface MediaType {
  /** `type/subtype` in lower case. */
  name: string
  /** Value of the charset parameter in lower case. */
  charset?: string
}

/** How a body is written, as far as addresses in it are concerned. */
export type DocumentKind = 'json' | 'xml'

const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+"
const MEDIA_TYPE = new RegExp(
  `^(${TOKEN}/${TOKEN})((?: ?; ?${TOKEN}=(?:${TOKEN}|"[ !#-[\\]-~]*"))*)$`,
)
const CHARSET = /; ?charset="?([^";]+)"?/i
const MAX_LENGTH = 256

const fhirDocuments: Readonly<Record<string, DocumentKind>> = {
  'application/fhir+json': 'json',
  'application/json+fhir': 'json',
  'application/fhir+ndjson': 'json',
  'application/fhir+xml': 'xml',
  'application/xml+fhir': 'xml',
}

const documents: Readonly<Record<string, DocumentKind>> = {
  ...fhirDocuments,
  'application/json': 'json',
  'text/json': 'json',
  'application/ndjson': 'json',
  'application/x-ndjson': 'json',
  'application/json-patch+json': 'json',
  'application/merge-patch+json': 'json',
  'application/xml': 'xml',
  'application/xml-patch+xml': 'xml',
  'text/xml': 'xml',
}

/** Reads a Content-Type; undefined when it is missing, malformed or absurdly long. */
export function parseMediaType(value: string | undefined): MediaType | undefined {
  if (value === undefined || value.length > MAX_LENGTH) return undefined
  const [, name, parameters] = MEDIA_TYPE.exec(value) ?? []
  if (name === undefined || parameters === undefined) return undefined
  const charset = parameters === '' ? undefined : CHARSET.exec(parameters)?.[1]
  return { name: name.toLowerCase(), charset: charset?.toLowerCase() }
}

/** Whether text in this charset can be searched byte by byte for ASCII. */
export function isUtf8({ charset }: MediaType): boolean {
  return (
    charset === undefined || charset === 'utf-8' || charset === 'utf8' || charset === 'us-ascii'
  )
}

/**
 * The document a body of this type is; undefined for everything else. Below `Binary` only FHIR's own
 * types are documents: any other type there is somebody's file, and stays as it is.
 */
export function documentKind(type: MediaType, ofBinary: boolean): DocumentKind | undefined {
  if (!isUtf8(type)) return undefined
  const known = ofBinary ? fhirDocuments : documents
  return Object.hasOwn(known, type.name) ? known[type.name] : undefined
}
