// JSON read as its bytes come, in flat memory, and strictly: RFC 8259 to the letter in UTF-8 without a
// byte order mark, no name twice in an object, bounds for depth and names. Readers differ in what they
// make of anything else (comments, trailing text, which of two members counts), and what is judged here
// must be what the EHR reads. Nothing is kept but what the visitor asks for. Pure: no I/O, no clock.

import { BrokerError } from '../errors.ts'
import * as ascii from './ascii.ts'
import { createJsonNames } from './json-names.ts'
import { beginScalar, continueScalar, isWholeScalar, type ScalarState } from './json-scalar.ts'
import { decodeJsonText, LETTER_MISSING, passEscape } from './json-text.ts'
import { createUtf8Check } from './utf8.ts'

/** Told of everything in the order of the text; what it throws ends the reading. */
export interface JsonVisitor {
  open(isObject: boolean): void
  close(): void
  /** The name of the member whose value comes next; left out where it means nothing. */
  name?(name: string): void
  /** Whether the string that begins with this byte (its closing quote when empty) is to be given. */
  wants(first: number): boolean
  /**
   * A string value as it is written, as latin1 text without its quotes, and where it begins. Only its
   * beginning where it is longer than LONGEST_TEXT.
   */
  string(raw: string, at: number): void
}

export interface JsonReader {
  /** Reads on; the borders of pieces mean nothing. */
  push(bytes: Buffer): void
  /** The text is over: refuses what has only begun. */
  end(): void
}

/** How much of a string is given at most. */
export const LONGEST_TEXT = 64 * 1024

const MAX_DEPTH = 128

/** Bytes that mean nothing but themselves in a string. */
const plain = Uint8Array.from({ length: 256 }, (_, byte) =>
  Number(byte >= ascii.SPACE && byte !== ascii.QUOTE && byte !== ascii.BACKSLASH),
)
const space = Uint8Array.from({ length: 256 }, (_, byte) =>
  Number(' \t\n\r'.includes(String.fromCharCode(byte))),
)
type Expected = 'value' | 'first item' | 'first name' | 'name' | 'colon' | 'next' | 'nothing'
type Token = 'none' | 'string' | 'scalar'

/**
 * Makes a reader; with `lines`, of NDJSON: a text on each line. Refuses with `body_invalid`.
 */
export function createJsonReader(visitor: JsonVisitor, { lines }: { lines: boolean }): JsonReader {
  const utf8 = createUtf8Check()
  /** The open containers: whether each is an object. */
  const open: boolean[] = []
  const names = createJsonNames()
  let expected: Expected = 'value'
  let token: Token = 'none'
  let bytes: Buffer = Buffer.alloc(0)
  /** Bytes before this piece. */
  let before = 0
  let raw = ''
  let startsAt = 0
  let isWanted = false
  /** What is left of the escape we are in. */
  let escaping = 0
  let scalar: ScalarState = ':'

  return {
    push(piece) {
      if (!utf8.push(piece)) throw refuse('not UTF-8')
      bytes = piece
      for (let at = 0; at < piece.length; ) {
        if (token === 'none') at = readNext(at)
        else if (token === 'string') at = readString(at)
        else at = readScalar(at)
      }
      before += piece.length
    },
    end() {
      if (token === 'scalar') endScalar()
      const isOver = expected === 'nothing' || (lines && expected === 'value' && open.length === 0)
      if (token !== 'none' || !isOver || !utf8.end()) throw refuse('ends too early')
    },
  }

  function readNext(from: number): number {
    let at = from
    let byte = bytes[at] as number
    while (space[byte] === 1) {
      if (byte === ascii.LINE_FEED && lines) endLine()
      if (++at === bytes.length) return at
      byte = bytes[at] as number
    }
    if (byte === ascii.QUOTE) beginString(at)
    else if (byte === ascii.OPEN_BRACE || byte === ascii.OPEN_BRACKET)
      openContainer(byte === ascii.OPEN_BRACE)
    else if (byte === ascii.CLOSE_BRACE || byte === ascii.CLOSE_BRACKET)
      closeContainer(byte === ascii.CLOSE_BRACE)
    else if (byte === ascii.COMMA) passComma()
    else if (byte === ascii.COLON) expect('colon', 'value')
    else passScalar(byte)
    return at + 1
  }

  function expect(now: Expected, then: Expected): void {
    if (expected !== now) throw refuse('not JSON')
    expected = then
  }

  function beginValue(): void {
    if (expected !== 'value' && expected !== 'first item') throw refuse('not JSON')
    expected = open.length === 0 ? 'nothing' : 'next'
  }

  function openContainer(isObject: boolean): void {
    beginValue()
    if (open.push(isObject) > MAX_DEPTH) throw refuse('too deep')
    if (isObject) names.open()
    expected = isObject ? 'first name' : 'first item'
    visitor.open(isObject)
  }

  function closeContainer(isObject: boolean): void {
    const isFresh = expected === (isObject ? 'first name' : 'first item')
    const isRight = isObject === open.at(-1)
    if (!isRight || !(isFresh || expected === 'next')) throw refuse('not JSON')
    if (isObject) names.close()
    open.pop()
    expected = open.length === 0 ? 'nothing' : 'next'
    visitor.close()
  }

  function passComma(): void {
    expect('next', open.at(-1) ? 'name' : 'value')
  }

  function endLine(): void {
    if (open.length > 0) throw refuse('a value goes over several lines')
    expected = 'value'
  }

  function beginString(at: number): void {
    if (expected !== 'name' && expected !== 'first name') beginValue()
    token = 'string'
    raw = ''
    startsAt = before + at + 1
  }

  function readString(from: number): number {
    const isBegun = before + from > startsAt
    if (!isBegun) isWanted = isName() || visitor.wants(bytes[from] as number)
    const at = findStringEnd(from)
    if (!isBegun && isName() && at < bytes.length && passName(from, at)) return at + 1
    if (isWanted && raw.length < LONGEST_TEXT) {
      raw += bytes.toString('latin1', from, Math.min(at, from + LONGEST_TEXT - raw.length))
    }
    if (at === bytes.length) return at
    token = 'none'
    if (isName()) endName()
    else if (isWanted) visitor.string(raw, startsAt)
    return at + 1
  }

  /** The closing quote, or the end of the piece. */
  function findStringEnd(from: number): number {
    const piece = bytes
    for (let at = from; at < piece.length; at++) {
      const byte = piece[at] as number
      if (escaping !== 0) {
        escaping = passEscape(escaping, byte)
        if (escaping < 0) throw refuse('an escape that is none')
      } else if (byte === ascii.QUOTE) {
        return at
      } else if (byte === ascii.BACKSLASH) {
        escaping = LETTER_MISSING
      } else if (plain[byte] === 0) {
        throw refuse('a control character in a string')
      }
    }
    return piece.length
  }

  function isName(): boolean {
    return expected === 'name' || expected === 'first name'
  }

  function endName(): void {
    expected = 'colon'
    const name = decodeJsonText(raw)
    const fault = names.add(name)
    if (fault !== undefined) throw refuse(fault)
    visitor.name?.(name)
  }

  /** The short way, for names that nobody asks for and that are written as they are. */
  function passName(from: number, to: number): boolean {
    if (visitor.name !== undefined) return false
    const fault = names.addWritten(bytes, from, to)
    if (fault === 'unread') return false
    if (fault !== undefined) throw refuse(fault)
    token = 'none'
    expected = 'colon'
    return true
  }

  function passScalar(byte: number): void {
    beginValue()
    const begun = beginScalar(byte)
    if (begun === undefined) throw refuse('not JSON')
    scalar = begun
    token = 'scalar'
  }

  function readScalar(from: number): number {
    for (let at = from; at < bytes.length; at++) {
      const next = continueScalar(scalar, bytes[at] as number)
      if (next === undefined) {
        endScalar()
        return at
      }
      scalar = next
    }
    return bytes.length
  }

  function endScalar(): void {
    if (!isWholeScalar(scalar)) throw refuse('not JSON')
    token = 'none'
  }
}

function refuse(detail: string): BrokerError {
  return new BrokerError('body_invalid', { detail: `JSON: ${detail}` })
}
