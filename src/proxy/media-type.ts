// Media types as browsers read them, and as they are to be written: WHATWG MIME Sniffing sections 4.4 and
// 4.5, Fetch section 2.2.2 for headers that come twice; and what kind of body they mean. Pure: no I/O, no
// clock. RFC 9110 section 8.3, FHIR R4 section 3.1.1 (and the media types of DSTU2).

export interface MediaType {
  /** `type/subtype` in lower case. */
  name: string
  /** Value of the charset parameter in lower case. */
  charset?: string
  /** The whole value as any strict reader takes it, in ASCII. */
  written: string
}

/** How a body is written, as far as addresses in it are concerned. */
export type DocumentKind = 'json' | 'xml'

const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+"
const STRICT = new RegExp(`^${TOKEN}/${TOKEN}(?: ?; ?${TOKEN}=(?:${TOKEN}|"[ !#-[\\]-~]*"))*$`)
const ESSENCE = new RegExp(`^${TOKEN}/${TOKEN}$`)
const NAME = new RegExp(`^${TOKEN}$`)
const QUOTED = /^[\t -~\u0080-\u00ff]*$/
const ASCII = /^[\t -~]*$/
const AROUND = /^[\t\n\r ]+|(?<![\t\n\r ])[\t\n\r ]+$/g
const AROUND_END = /(?<![\t\n\r ])[\t\n\r ]+$/
// Some write it between apostrophes, or with a space before it.
const AROUND_LABEL = /^['\t ]+|(?<!['\t ])['\t ]+$/g
const PARAMETER = /;[\t\n\r ]*([^;=]*)(?:=(?:"((?:[^"\\]|\\[\s\S]?)*)[^;]*|([^;]*)))?/g
const UTF_8 = new Set(['utf-8', 'utf8', 'unicode-1-1-utf-8', 'us-ascii'])
const MAX_LENGTH = 256
/** Everything that a header may say, of which one media type comes. */
const MAX_HEADER_LENGTH = 1024

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

/**
 * Reads a Content-Type, or several, of which the last one that means something counts; undefined when it
 * is missing, without meaning or absurdly long.
 */
export function parseMediaType(value: string | string[] | undefined): MediaType | undefined {
  const whole = typeof value === 'object' ? value.join(',') : value
  if (whole === undefined || whole.length > MAX_HEADER_LENGTH) return undefined
  let found: MediaType | undefined
  for (const part of splitList(whole)) {
    const type = parseOne(part)
    if (type === undefined || type.name === '*/*') continue
    const isSame = found?.name === type.name && type.charset === undefined
    found = isSame ? found : type
  }
  return found
}

function parseOne(text: string): MediaType | undefined {
  const trimmed = text.replace(AROUND, '')
  if (trimmed.length > MAX_LENGTH) return undefined
  const [essence = ''] = trimmed.split(';', 1)
  const name = essence.replace(AROUND, '')
  if (!ESSENCE.test(name)) return undefined
  const parameters = readParameters(trimmed.slice(essence.length))
  const charset = parameters.get('charset')?.replace(AROUND_LABEL, '').toLowerCase()
  if (charset !== undefined) parameters.set('charset', charset)
  const written = STRICT.test(trimmed) ? trimmed : write(name.toLowerCase(), parameters)
  return { name: name.toLowerCase(), charset, written }
}

/**
 * Names and values as a reader gets them, of all that is a parameter and can be written in ASCII; the first of one
 * name counts, written or not.
 */
function readParameters(text: string): Map<string, string> {
  const known = new Map<string, string>()
  const met = new Set<string>()
  for (const [, key = '', quoted, bare = ''] of text.matchAll(PARAMETER)) {
    const value = quoted?.replace(/\\([\s\S])/g, '$1') ?? bare.replace(AROUND_END, '')
    if (!NAME.test(key) || !QUOTED.test(value) || (quoted === undefined && value === '')) continue
    const name = key.toLowerCase()
    if (!met.has(name) && ASCII.test(value)) known.set(name, value)
    met.add(name)
  }
  return known
}

function write(name: string, parameters: ReadonlyMap<string, string>): string {
  const written = [...parameters].map(([key, value]) =>
    NAME.test(value) ? `;${key}=${value}` : `;${key}="${value.replace(/["\\]/g, '\\$&')}"`,
  )
  return name + written.join('')
}

/** The values of a header that is a list; a comma between quotation marks separates nothing. */
function splitList(text: string): string[] {
  const parts: string[] = []
  let from = 0
  let isQuoted = false
  for (let at = 0; at < text.length; at++) {
    const char = text[at]
    if (char === '"') isQuoted = !isQuoted
    else if (char === '\\' && isQuoted) at++
    else if (char === ',' && !isQuoted) {
      parts.push(text.slice(from, at))
      from = at + 1
    }
  }
  parts.push(text.slice(from))
  return parts
}

/** Whether text in this charset can be searched byte by byte for ASCII. */
export function isUtf8({ charset }: Pick<MediaType, 'charset'>): boolean {
  return charset === undefined || UTF_8.has(charset)
}

/**
 * The encoding that a charset means, as `TextDecoder` takes it (WHATWG Encoding section 4.2); undefined
 * for one that nobody knows, and for those that are never to be decoded.
 */
export function encodingOf(charset: string): string | undefined {
  try {
    return new TextDecoder(charset).encoding
  } catch {
    return undefined
  }
}

/** The same type of what was brought into UTF-8. */
export function inUtf8(type: MediaType): MediaType {
  const parameters = readParameters(type.written.slice(type.name.length))
  parameters.set('charset', 'utf-8')
  return { name: type.name, charset: 'utf-8', written: write(type.name, parameters) }
}

/**
 * The document a body of this type is, whatever its charset; undefined for everything else. Below
 * `Binary` only FHIR's own types are documents: any other type there is somebody's file, and stays as
 * it is.
 */
export function documentKind(type: MediaType, ofBinary: boolean): DocumentKind | undefined {
  const known = ofBinary ? fhirDocuments : documents
  return Object.hasOwn(known, type.name) ? known[type.name] : undefined
}
