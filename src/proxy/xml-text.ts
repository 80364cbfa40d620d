// The attribute values of XML, as they are written and as they are read. Written ones are latin1 text,
// so that characters are bytes. Pure: no I/O, no clock. XML 1.0 sections 2.3, 3.3.3, 4.1 and 4.6.

const REFERENCE = /&(?:#x([0-9A-Fa-f]+)|#([0-9]+)|(lt|gt|amp|quot|apos));/g
const NEEDS_DECODING = /[&\t\n\r\x80-\xff]/
const SPECIAL = /[&<>"'\t\n\r]/g

const entities: Readonly<Record<string, string>> = {
  lt: '<',
  gt: '>',
  amp: '&',
  quot: '"',
  apos: "'",
}

/** A value as its reader gets it; `raw` is what stands between the quotes of a well-formed document. */
export function decodeXmlText(raw: string): string {
  if (!NEEDS_DECODING.test(raw)) return raw
  const text = Buffer.from(raw, 'latin1').toString('utf8')
  return text
    .replace(/\r\n|[\t\n\r]/g, ' ')
    .replace(REFERENCE, (_reference, hex?: string, decimal?: string, name?: string) =>
      name === undefined
        ? String.fromCodePoint(Number.parseInt(hex ?? decimal ?? '', hex === undefined ? 10 : 16))
        : (entities[name] as string),
    )
}

/** A value as it is written between quotes of either kind, in latin1. */
export function encodeXmlText(text: string): string {
  const written = text.replace(SPECIAL, char => `&#${char.charCodeAt(0)};`)
  return Buffer.from(written).toString('latin1')
}
