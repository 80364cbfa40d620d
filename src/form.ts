// Queries and forms as pairs of names and values, each read once, so that the work grows no faster than
// the text: Node's URLSearchParams takes minutes for a few megabytes of parameters without a value.
// Pure: no I/O, no clock. WHATWG URL, `application/x-www-form-urlencoded`.

const ESCAPED = /[%+\x80-\xff]/
const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

/**
 * The pairs of a query without its question mark, or of a form, in the order sent; latin1 text, so that
 * characters are bytes. What is no escape stays as it is, as in every browser; nothing is refused.
 */
export function* readForm(text: string): Generator<readonly [name: string, value: string]> {
  for (let from = 0; from < text.length; ) {
    const ampersand = text.indexOf('&', from)
    const to = ampersand === -1 ? text.length : ampersand
    if (to > from) yield splitPair(text.slice(from, to))
    from = to + 1
  }
}

/** The query of a request target as it was sent, without its question mark. */
export function readQuery(target = ''): string {
  const mark = target.indexOf('?')
  return mark === -1 ? '' : target.slice(mark + 1)
}

/** A name or value as its reader gets it: escapes and plus signs decoded, the bytes as UTF-8. */
export function decodeFormText(text: string): string {
  if (!ESCAPED.test(text)) return text
  const bytes = new Uint8Array(text.length)
  let length = 0
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    const escaped = code === PERCENT ? readEscape(text, at) : -1
    if (escaped !== -1) at += 2
    bytes[length++] = escaped !== -1 ? escaped : code === PLUS ? SPACE : code
  }
  return decoder.decode(bytes.subarray(0, length))
}

const PERCENT = 0x25
const PLUS = 0x2b
const SPACE = 0x20

function splitPair(pair: string): readonly [string, string] {
  const equals = pair.indexOf('=')
  if (equals === -1) return [decodeFormText(pair), '']
  return [decodeFormText(pair.slice(0, equals)), decodeFormText(pair.slice(equals + 1))]
}

/** The byte of `%XX`, or -1. */
function readEscape(text: string, at: number): number {
  const high = readDigit(text.charCodeAt(at + 1))
  const low = readDigit(text.charCodeAt(at + 2))
  return high === -1 || low === -1 ? -1 : high * 16 + low
}

function readDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30
  const lower = code | 0x20
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1
}
