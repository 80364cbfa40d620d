// The strings of JSON, as they are written and as they are read. Written ones are latin1 text, so that
// characters are bytes. Pure: no I/O, no clock. RFC 8259 section 7.

const ESCAPE = /\\(?:u([0-9A-Fa-f]{4})|(.))/g
const LETTERS = new Set(Buffer.from('"\\/bfnrt'))
const HEXADECIMAL = new Set(Buffer.from('0123456789ABCDEFabcdef'))
const LETTER_U = 0x75
const NEEDS_ENCODING = /[^ !#-[\]-~]/
const NEEDS_DECODING = /[\\\x80-\xff]/

const named: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' }

/** A string as its reader gets it; `raw` is what stands between the quotes. */
export function decodeJsonText(raw: string): string {
  if (!NEEDS_DECODING.test(raw)) return raw
  const text = Buffer.from(raw, 'latin1').toString('utf8')
  return text.replace(ESCAPE, (_escape, digits: string | undefined, letter: string) =>
    digits === undefined
      ? (named[letter] ?? letter)
      : String.fromCharCode(Number.parseInt(digits, 16)),
  )
}

/** A text as it is written, without quotes, in latin1. */
export function encodeJsonText(text: string): string {
  if (!NEEDS_ENCODING.test(text)) return text
  return Buffer.from(JSON.stringify(text).slice(1, -1)).toString('latin1')
}

/** An escape of which nothing but the backslash was read. */
export const LETTER_MISSING = 5

/**
 * What an escape lacks behind one more byte of it: its letter, else so many hexadecimal digits. Less
 * than nothing where the byte belongs to no escape.
 */
export function passEscape(missing: number, byte: number): number {
  if (missing < LETTER_MISSING) return HEXADECIMAL.has(byte) ? missing - 1 : -1
  if (byte === LETTER_U) return LETTER_MISSING - 1
  return LETTERS.has(byte) ? 0 : -1
}
