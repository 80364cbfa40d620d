// Texts as a grammar writes them: escapes are longer than what they stand for. Written texts are latin1,
// so that characters are bytes. Pure: no I/O, no clock. RFC 8259 section 7, XML 1.0 section 4.1,
// RFC 3986 section 2.1.

import type { DocumentKind } from './media-type.ts'

/** How a text is written; search forms are written like queries. */
export type Grammar = DocumentKind | 'query'

const units: Readonly<Record<Grammar, RegExp>> = {
  json: /\\u[0-9A-Fa-f]{4}|\\.|[\s\S]/y,
  xml: /&[#0-9A-Za-z]+;|[\s\S]/y,
  query: /%[0-9A-Fa-f]{2}|[\s\S]/y,
}

/** How many written characters the first `count` characters take, all of them ASCII. */
export function measureWritten(grammar: Grammar, written: string, count: number): number {
  const unit = units[grammar]
  unit.lastIndex = 0
  for (let read = 0; read < count && unit.test(written); read++);
  return unit.lastIndex
}
