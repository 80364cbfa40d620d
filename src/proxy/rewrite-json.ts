// The EHR's address in JSON and NDJSON: the values of `fullUrl`, `reference`, `location` and `url`, wherever
// they are links. One regular expression finds the names, exactly for valid JSON, because an opening quote
// never follows a backslash; where a `url` stands is read only when it matters. Over any chunk borders, in
// flat memory: kept back are the beginning of a name and an address. Pure: no I/O, no clock. RFC 8259.

import {
  ADDRESS_NAMES,
  type EhrAddress,
  LONGEST_ADDRESS,
  mayBeAddress,
  type Replacement,
  type Rewritten,
  replaceAddress,
} from './ehr-address.ts'
import { createJsonPlaces, type JsonPlaces } from './json-places.ts'
import { decodeJsonText, encodeJsonText } from './json-text.ts'
import type { UrlPlace } from './url-places.ts'
import { measureWritten } from './written.ts'

/** Text in, text out; what cannot be decided yet is kept back until the next piece or the end. */
export interface Rewriting {
  push(text: string): string
  end(): string
}

const QUOTE = 0x22
const COLON = 0x3a
const BACKSLASH = 0x5c
const NAME = /(?<!\\)"(?:fullUrl|reference|location|url)"/g
const quoted = ADDRESS_NAMES.map(name => `"${name}"`)
const LONGEST_QUOTED = Math.max(...quoted.map(({ length }) => length))
/** What may be put off before it is known to be needed. */
const MOST_UNREAD = 64 * 1024
const MOST_UNREAD_PIECES = 4
const URL_LENGTH = '"url"'.length

/** The whole text with our address in the place of the EHR's; latin1, so that bytes are characters. */
export function rewriteJson(text: string, ehr: EhrAddress, rewritten: Rewritten): string {
  const rewriting = createReader(ehr, rewritten, true)
  return rewriting.push(text) + rewriting.end()
}

/** The same for a text that comes in pieces. */
export function createJsonRewriting(ehr: EhrAddress, rewritten: Rewritten): Rewriting {
  return createReader(ehr, rewritten, false)
}

/** How many written characters the first `count` ones of a text take. */
function measure(raw: string, read: string, count: number): number {
  if (count === read.length) return raw.length
  return raw.length === read.length ? count : measureWritten('json', raw, count)
}

function createReader(ehr: EhrAddress, rewritten: Rewritten, isWhole: boolean): Rewriting {
  let ours = ''
  let places: JsonPlaces | undefined
  let state: 'search' | 'name' | 'colon' | 'value' = 'search'
  let window = ''
  let at = 0
  /** Where in the window that begins which was not given out, and which the places have not read. */
  let given = 0
  let placed = 0
  let out = ''
  /** The code before the window. */
  let last = 0
  /** Of the name that was found: where it stands, whether it is `url`, and where that stands. */
  let nameAt = 0
  let isUrl = false
  let place: UrlPlace | undefined
  /** Pieces that the places have not read. */
  let unread: string[] = []
  let unreadLength = 0
  /** How much of an open value was searched for its end. */
  let searched = 0
  const steps = { search: findName, name: passColon, colon: passQuote, value: readValue }

  return {
    push(text) {
      window = given === window.length ? text : window.slice(given) + text
      at -= given
      searched -= given
      placed = 0
      given = 0
      out = ''
      while (steps[state]());
      const end = state === 'value' ? at : findBegun()
      const sent = out + window.slice(given, end)
      if (!isWhole) {
        if (isUrl && state !== 'search') place ??= findPlace()
        putOff(end)
      }
      if (end > 0) last = window.charCodeAt(end - 1)
      given = end
      at = end
      return sent
    },
    end: () => window.slice(given),
  }

  /** Where the name stands that was found last. */
  function findPlace(): UrlPlace {
    const reader = readOff()
    if (nameAt > placed) reader.read(window, placed, nameAt)
    placed = Math.max(placed, nameAt)
    return reader.place
  }

  /** Most documents hold no address whose place matters: what they say of places is read when one does. */
  function putOff(end: number): void {
    if (end <= placed) return
    unread.push(window.slice(placed, end))
    unreadLength += end - placed
    if (unreadLength > MOST_UNREAD || unread.length > MOST_UNREAD_PIECES) readOff()
  }

  function readOff(): JsonPlaces {
    places ??= createJsonPlaces()
    for (const text of unread) places.read(text, 0, text.length)
    if (unread.length > 0) unread = []
    unreadLength = 0
    return places
  }

  // Each step says whether the next one can go on.

  function findName(): boolean {
    NAME.lastIndex = at
    const found = NAME.exec(window)
    if (found === null) return false
    nameAt = found.index
    at = nameAt + found[0].length
    if (nameAt === 0 && last === BACKSLASH) return true
    state = 'name'
    isUrl = found[0].length === URL_LENGTH
    place = undefined
    return true
  }

  function passColon(): boolean {
    if (!passSpace()) return false
    const isColon = window.charCodeAt(at) === COLON
    state = isColon ? 'colon' : 'search'
    if (isColon) at++
    return true
  }

  function passQuote(): boolean {
    if (!passSpace()) return false
    state = window.charCodeAt(at) === QUOTE ? 'value' : 'search'
    searched = at + 1
    return true
  }

  function passSpace(): boolean {
    for (; at < window.length; at++) {
      const code = window.charCodeAt(at)
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return true
    }
    return false
  }

  /** `at` is the opening quote. */
  function readValue(): boolean {
    const from = at + 1
    if (from === window.length) return false
    const end = mayBeAddress(window.charCodeAt(from)) ? findEnd() : from
    if (end === -1 && window.length - from <= LONGEST_ADDRESS) return false
    state = 'search'
    at = from
    if (end === -1 || end === from || end - from > LONGEST_ADDRESS) return true
    const raw = window.slice(from, end)
    const read = decodeJsonText(raw)
    const found = replace(read)
    if (found !== undefined) {
      if (found.text === rewritten.ours) ours ||= encodeJsonText(found.text)
      const text = found.text === rewritten.ours ? ours : encodeJsonText(found.text)
      out += window.slice(given, from) + text
      given = from + measure(raw, read, found.length)
    }
    at = end + 1
    return true
  }

  function replace(text: string): Replacement | undefined {
    const found = replaceAddress(text, { ehr, isUrl, place: 'link' }, rewritten)
    if (found === undefined || !isUrl) return found
    return replaceAddress(text, { ehr, isUrl, place: place ?? findPlace() }, rewritten)
  }

  /** The closing quote of the value, or -1. */
  function findEnd(): number {
    for (;;) {
      const quote = window.indexOf('"', searched)
      const end = quote === -1 ? window.length : quote
      let slashes = 0
      while (end - slashes > searched && window.charCodeAt(end - slashes - 1) === BACKSLASH) {
        slashes++
      }
      if (quote === -1) {
        // A backslash at the end may escape what comes next.
        searched = end - (slashes % 2)
        return -1
      }
      searched = quote + 1
      if (slashes % 2 === 0) return quote
    }
  }

  /** Where a name may have begun, else the end. */
  function findBegun(): number {
    const { length } = window
    if (state !== 'search') return length
    const quote = window.lastIndexOf('"')
    if (quote < at || length - quote > LONGEST_QUOTED) return length
    const before = quote === 0 ? last : window.charCodeAt(quote - 1)
    if (before === BACKSLASH) return length
    const tail = window.slice(quote)
    return quoted.some(name => name.startsWith(tail)) ? quote : length
  }
}
