// What a body is that came without a media type, by its first bytes: FHIR's documents alone, because a
// browser runs neither of them under the types that they are given. Pure: no I/O, no clock.

import type { DocumentKind } from './media-type.ts'

export type { DocumentKind } from './media-type.ts'

/** How many bytes are looked at. */
const MOST = 512
const JSON_TEXT = /^(?:\xef\xbb\xbf)?[\t\n\r ]*[{[]/
const XML_RESOURCE =
  /^(?:\xef\xbb\xbf)?\s*(?:<\?xml\s[^>]*>\s*)?<[A-Z][A-Za-z]*\s[^>]*xmlns\s*=\s*["']http:\/\/hl7\.org\/fhir["']/
const UNDECIDED =
  /^(?:\xef(?:\xbb(?:\xbf)?)?)?\s*(?:<\?xml\s[^>]*>\s*)?(?:<(?:\?[^>]*|[A-Z][^>]*)?)?$/

/** The document that begins so, or `other`; undefined while there is too little of it to tell. */
export function sniffDocument(start: Buffer): DocumentKind | 'other' | undefined {
  const text = start.toString('latin1', 0, MOST)
  if (JSON_TEXT.test(text)) return 'json'
  if (XML_RESOURCE.test(text)) return 'xml'
  return start.length < MOST && UNDECIDED.test(text) ? undefined : 'other'
}

/** The media type that such a document is given. */
export const sniffedTypes: Readonly<Record<DocumentKind, string>> = {
  json: 'application/fhir+json',
  xml: 'application/fhir+xml',
}
