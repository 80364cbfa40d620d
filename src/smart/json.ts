// Documents of an EHR as JSON objects. Refuses what two parsers could read differently or what could
// harm the reader: repeated names, `__proto__`, depth without end, bytes that are not UTF-8. A byte
// order mark is skipped, as every browser does (RFC 8259 8.1). Pure: no I/O, no clock.

const MAX_DEPTH = 64

/** What a body turned out to be. */
export type JsonDocument =
  | { kind: 'object'; object: Readonly<Record<string, unknown>> }
  /** Meant as JSON, yet broken, ambiguous or no object. */
  | { kind: 'bad' }
  /** Something else: a page, XML, nothing. */
  | { kind: 'other' }

/** Reads bytes as one JSON object; never throws. */
export function parseJsonObject(bytes: Uint8Array): JsonDocument {
  const text = decodeUtf8(bytes)
  if (text === undefined || !/^[\t\n\r ]*[[{]/.test(text)) return { kind: 'other' }
  try {
    const value: unknown = JSON.parse(text)
    return isRecord(value) && isUnambiguous(text)
      ? { kind: 'object', object: value }
      : { kind: 'bad' }
  } catch {
    return { kind: 'bad' }
  }
}

/** Whether a value of a parsed document is an object with members. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return undefined
  }
}

/**
 * Walks the brackets and strings of valid JSON: bounded depth, no name twice in one object, no
 * `__proto__`. Iterative, so that depth costs no stack.
 */
function isUnambiguous(text: string): boolean {
  // One entry for each open bracket: the names seen so far in an object, undefined in an array.
  const open: (Set<string> | undefined)[] = []
  for (let at = 0; at < text.length; at++) {
    const char = text[at]
    if (char === '{' || char === '[') {
      if (open.push(char === '{' ? new Set() : undefined) > MAX_DEPTH) return false
    } else if (char === '}' || char === ']') {
      open.pop()
    } else if (char === '"') {
      const end = endOfString(text, at)
      const names = open.at(-1)
      if (names !== undefined && isName(text, end)) {
        const name: string = JSON.parse(text.slice(at, end))
        if (name === '__proto__' || names.has(name)) return false
        names.add(name)
      }
      at = end - 1
    }
  }
  return true
}

/** The index behind the closing quote of the string that opens at `start`. */
function endOfString(text: string, start: number): number {
  let at = start + 1
  while (text[at] !== '"') at += text[at] === '\\' ? 2 : 1
  return at + 1
}

/** In an object, the string before a colon is a name. */
function isName(text: string, end: number): boolean {
  let at = end
  while (text[at] === ' ' || text[at] === '\n' || text[at] === '\r' || text[at] === '\t') at++
  return text[at] === ':'
}
