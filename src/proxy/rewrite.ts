// The EHR's address becomes ours in what it answers, so that the browser sees one consistent server:
// JSON, NDJSON and XML, whole or in pieces. Pure: no I/O, no clock.

import type { EhrAddress, Rewritten } from './ehr-address.ts'
import type { DocumentKind } from './media-type.ts'
import { createJsonRewriting, type Rewriting, rewriteJson } from './rewrite-json.ts'
import { createXmlRewriting, rewriteXml } from './rewrite-xml.ts'

export { buildEhrAddress } from './ehr-address.ts'
export type { Rewriting } from './rewrite-json.ts'

/** A whole document, as latin1 text, with our address in the place of the EHR's. */
export function rewriteDocument(
  kind: DocumentKind,
  text: string,
  ehr: EhrAddress,
  rewritten: Rewritten,
): string {
  return kind === 'json' ? rewriteJson(text, ehr, rewritten) : rewriteXml(text, ehr, rewritten)
}

/** The same for a document that comes in pieces. */
export function createRewriting(
  kind: DocumentKind,
  ehr: EhrAddress,
  rewritten: Rewritten,
): Rewriting {
  return kind === 'json' ? createJsonRewriting(ehr, rewritten) : createXmlRewriting(ehr, rewritten)
}
