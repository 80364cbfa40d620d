// The EHR's address becomes ours in what it answers, so that the browser sees one consistent server:
// JSON, NDJSON and XML, whole or in pieces. Pure: no I/O, no clock.

import type { DocumentKind } from './media-type.ts'
import {
  buildJsonNeedle,
  createJsonRewriting,
  type JsonNeedle,
  type Rewriting,
  rewriteJson,
} from './rewrite-json.ts'
import { buildXmlNeedle, createXmlRewriting, rewriteXml, type XmlNeedle } from './rewrite-xml.ts'

export type { Rewriting } from './rewrite-json.ts'

/** What finds one EHR's base in its documents; made once per registration. */
export interface Needles {
  json: JsonNeedle
  xml: XmlNeedle
}

/** Compiles the searches for a FHIR base and its other spellings. */
export function buildNeedles(bases: readonly string[]): Needles {
  return { json: buildJsonNeedle(bases), xml: buildXmlNeedle(bases) }
}

/** A whole document, as latin1 text, with `ours` in the place of the base. */
export function rewriteDocument(
  kind: DocumentKind,
  text: string,
  needles: Needles,
  ours: string,
): string {
  return kind === 'json'
    ? rewriteJson(text, needles.json, ours)
    : rewriteXml(text, needles.xml, ours)
}

/** The same for a document that comes in pieces. */
export function createRewriting(kind: DocumentKind, needles: Needles, ours: string): Rewriting {
  return kind === 'json'
    ? createJsonRewriting(needles.json, ours)
    : createXmlRewriting(needles.xml, ours)
}
