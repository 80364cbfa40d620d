// Documents of an EHR as JSON objects. Refuses what two parsers could read differently or what could
// harm the reader: repeated names, `__proto__`, depth without end, more values than any such document
// has, bytes that are neither UTF-8 nor in the charset that their type names, as those of old servers
// are. A byte order mark is skipped, as every browser does (RFC 8259 8.1). Pure: no I/O, no clock.

const MAX_DEPTH = 64
// Everybody waits while a document is parsed: a statement of two megabytes has fewer, and as many in the
// shortest text take 50 ms.
const MAX_VALUES = 250_000
const MAX_MEMBERS = 1000

const CHARSET = /;[\t ]*charset=["']?([\w.:-]{1,40})/i
/** Those in which JSON is met, besides UTF-8: in each of them its brackets and quotes are ASCII characters. */
const OLD = /^(?:windows-125\d|iso-8859-\d{1,2}|utf-16[bl]e)$/

const QUOTE = 0x22
const COMMA = 0x2c
const BACKSLASH = 0x5c
const ARRAY = 0x5b
const ARRAY_END = 0x5d
const OBJECT = 0x7b
const OBJECT_END = 0x7d

/** What a body turned out to be. */
export type JsonDocument =
  | { kind: 'object'; object: Readonly<Record<string, unknown>> }
  /** Meant as JSON, yet broken, ambiguous or no object. */
  | { kind: 'bad' }
  /** Something else: a page, XML, nothing. */
  | { kind: 'other' }

/** Reads bytes as one JSON object, where their media type is known also in its charset; never throws. */
export function parseJsonObject(bytes: Uint8Array, contentType?: string | null): JsonDocument {
  const text = decode(bytes, 'utf-8') ?? decodeNamed(bytes, contentType ?? '')
  if (text === undefined || !/^[\t\n\r ]*[[{]/.test(text)) return { kind: 'other' }
  try {
    const value: unknown = isHarmless(text) ? JSON.parse(text) : undefined
    return isRecord(value) ? { kind: 'object', object: value } : { kind: 'bad' }
  } catch {
    return { kind: 'bad' }
  }
}

/** Whether a value of a parsed document is an object with members. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

// UTF-8 first: it is what JSON is written in, and is hardly ever hit by chance, while many a label lies.
function decodeNamed(bytes: Uint8Array, contentType: string): string | undefined {
  const label = CHARSET.exec(contentType)?.[1]
  const encoding = label === undefined ? undefined : encodingOf(label)
  return encoding !== undefined && OLD.test(encoding) ? decode(bytes, encoding) : undefined
}

function encodingOf(label: string): string | undefined {
  try {
    return new TextDecoder(label).encoding
  } catch {
    return undefined
  }
}

function decode(bytes: Uint8Array, encoding: string): string | undefined {
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes)
  } catch {
    return undefined
  }
}

/**
 * Walks the brackets and strings of a text before it is parsed: bounded depth, bounded numbers of
 * values and of members, no name twice in one object, no `__proto__`. What is no JSON at all is left to
 * the parser. Iterative, so that depth costs no stack.
 */
function isHarmless(text: string): boolean {
  // One entry for each open bracket: the names seen so far in an object, undefined in an array.
  const open: (Set<string> | undefined)[] = []
  let values = 0
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === QUOTE) {
      const end = endOfString(text, at)
      const names = open.at(-1)
      if (names !== undefined && isName(text, end) && !addName(names, text.slice(at, end))) {
        return false
      }
      at = end - 1
    } else if (code === COMMA) {
      if (++values > MAX_VALUES) return false
    } else if (code === OBJECT || code === ARRAY) {
      if (++values > MAX_VALUES) return false
      if (open.push(code === OBJECT ? new Set() : undefined) > MAX_DEPTH) return false
    } else if (code === OBJECT_END || code === ARRAY_END) {
      open.pop()
    }
  }
  return true
}

/** The index behind the closing quote of the string that opens at `start`; the end if there is none. */
function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === QUOTE) return at + 1
    if (code === BACKSLASH) at++
  }
  return text.length
}

/** In an object, the string before a colon is a name. */
function isName(text: string, end: number): boolean {
  let at = end
  while (text[at] === ' ' || text[at] === '\n' || text[at] === '\r' || text[at] === '\t') at++
  return text[at] === ':'
}

function addName(names: Set<string>, quoted: string): boolean {
  const name: string = quoted.includes('\\') ? JSON.parse(quoted) : quoted.slice(1, -1)
  if (name === '__proto__' || names.has(name) || names.size === MAX_MEMBERS) return false
  names.add(name)
  return true
}
