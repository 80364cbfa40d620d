// The EHR's address in FHIR XML: the `value` of `fullUrl`, `reference`, `location` and `url` elements,
// wherever they are links. Comments, CDATA and processing instructions are passed over; text and other
// attributes are never looked at, so narrative and Binary data stay as they are. Read leniently, one pass
// over each piece, whatever its borders: kept back are a name and an address alone (attacks R17, DS3).
// Pure: no I/O, no clock. XML 1.0.

import {
  ADDRESS_NAMES,
  type EhrAddress,
  LONGEST_ADDRESS,
  mayBeAddress,
  type Rewritten,
  replaceAddress,
} from './ehr-address.ts'
import type { Rewriting } from './rewrite-json.ts'
import { placeInElement, type UrlPlace } from './url-places.ts'
import { createValueSearch } from './value-attribute.ts'
import { measureWritten } from './written.ts'
import { decodeXmlText, encodeXmlText } from './xml-text.ts'

const LONGEST_PREFIX = 63
/** What is longer is no name of FHIR's. */
const LONGEST_NAME = 2 * LONGEST_PREFIX
const NAME_END = /[ \t\r\n/><"'=]/g
const TAG = /<(\/?)([A-Za-z][^ \t\r\n/><"'=]{0,62})(?=[ \t\r\n/>])/y
const terminators: readonly (readonly [opening: string, end: string])[] = [
  ['<!--', '-->'],
  ['<![CDATA[', ']]>'],
  ['<?', '?>'],
]
const LONGEST_OPENING = '<![CDATA['.length
const addresses: ReadonlySet<string> = new Set(ADDRESS_NAMES)
/** Deeper elements are counted alone. */
const DEEPEST = 256
const QUOTE = 0x22
const APOSTROPHE = 0x27
const SLASH = 0x2f
const LESS = 0x3c
const GREATER = 0x3e

/** Where a tag ends, or -1 for one that is not all there or that no parser reads. */
function findTagEnd(text: string, from: number): number {
  let quote = 0
  for (let at = from; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === LESS) return -1
    if (quote !== 0) {
      if (code === quote) quote = 0
    } else if (code === GREATER) return at
    else if (code === QUOTE || code === APOSTROPHE) quote = code
  }
  return -1
}

/** How many written characters the first `count` ones of a text take. */
function measure(raw: string, read: string, count: number): number {
  if (count === read.length) return raw.length
  return raw.length === read.length ? count : measureWritten('xml', raw, count)
}

/** The whole text with our address in the place of the EHR's; latin1, so that bytes are characters. */
export function rewriteXml(text: string, ehr: EhrAddress, rewritten: Rewritten): string {
  const rewriting = createXmlRewriting(ehr, rewritten)
  return rewriting.push(text) + rewriting.end()
}

/** The same for a text that comes in pieces. */
export function createXmlRewriting(ehr: EhrAddress, rewritten: Rewritten): Rewriting {
  const search = createValueSearch()
  const ours = encodeXmlText(rewritten.ours)
  let state: 'text' | 'passed over' | 'search' | 'value' | 'tag' = 'text'
  let window = ''
  let at = 0
  /** Where in the window that begins which was not given out. */
  let given = 0
  let out = ''
  /** What ends the comment, CDATA or instruction we are in. */
  let terminator = ''
  /** The places of the elements that are open, the innermost one last. */
  const outer: UrlPlace[] = []
  let depth = 0
  let place: UrlPlace = 'unknown'
  /** Of the tag we are in. */
  let name = ''
  let isClosing = false
  /** The quote that ends the attribute we are in, and the code before the current one. */
  let closing = 0
  let last = 0
  const steps = {
    ...{ text: findTag, 'passed over': passOver, search: findValue },
    ...{ value: rewriteValue, tag: passTag },
  }

  return {
    push(text) {
      window = at === window.length ? text : window.slice(at) + text
      at = 0
      given = 0
      out = ''
      while (steps[state]());
      return out + window.slice(given, at)
    },
    end: () => window.slice(at),
  }

  function give(to: number): void {
    if (to > at) last = window.charCodeAt(to - 1)
    at = to
  }

  // Each step passes what it has read, and says whether the next one can go on.

  function findTag(): boolean {
    const less = window.indexOf('<', at)
    give(less === -1 ? window.length : less)
    if (less === -1) return false
    if (passWhole()) return true
    const opened = terminators.find(([opening]) => window.startsWith(opening, at))
    if (opened) {
      give(at + opened[0].length)
      state = 'passed over'
      terminator = opened[1]
      return true
    }
    const start = window.slice(at, at + LONGEST_OPENING)
    if (terminators.some(([opening]) => opening.startsWith(start))) return false
    isClosing = start.startsWith('</')
    return findName(at + (isClosing ? 2 : 1))
  }

  /** The short way, for a tag that is all there and holds no address. */
  function passWhole(): boolean {
    TAG.lastIndex = at
    const tag = TAG.exec(window)
    if (tag === null) return false
    const [text, slash, whole = ''] = tag
    const local = whole.slice(whole.indexOf(':') + 1)
    if (addresses.has(local) && slash === '') return false
    const end = findTagEnd(window, at + text.length)
    if (end === -1) return false
    name = local
    isClosing = slash === '/'
    at = end + 1
    last = GREATER
    endTag(window.charCodeAt(end - 1) === SLASH)
    return true
  }

  function findName(from: number): boolean {
    NAME_END.lastIndex = from
    const end = NAME_END.exec(window)?.index ?? window.length
    if (end === window.length && end - from <= LONGEST_NAME) return false
    isClosing = window.charCodeAt(from - 1) === SLASH
    beginTag(end - from > LONGEST_NAME ? '' : window.slice(from, end))
    give(Math.min(end, from + LONGEST_NAME + 1))
    return true
  }

  function beginTag(whole: string): void {
    const colon = whole.indexOf(':')
    name = colon > LONGEST_PREFIX ? '' : whole.slice(colon + 1)
    closing = 0
    state = 'tag'
    if (isClosing || !addresses.has(name) || place === 'nothing') return
    state = 'search'
    search.begin()
  }

  function passOver(): boolean {
    const end = window.indexOf(terminator, at)
    if (end === -1) {
      give(Math.max(at, window.length - terminator.length + 1))
      return false
    }
    give(end + terminator.length)
    state = 'text'
    return true
  }

  function findValue(): boolean {
    give(search.read(window, at))
    if (search.outcome === 'open') return false
    state = search.outcome === 'found' ? 'value' : 'tag'
    return true
  }

  function rewriteValue(): boolean {
    const from = at + 1
    if (window.length === from) return false
    const end = mayBeAddress(window.charCodeAt(from))
      ? window.indexOf(window.charAt(at), from)
      : from
    const length = (end === -1 ? window.length : end) - from
    if (end === -1 && length <= LONGEST_ADDRESS) return false
    const raw = length <= LONGEST_ADDRESS ? window.slice(from, end) : ''
    const read = raw.includes('<') ? '' : decodeXmlText(raw)
    const found = read === '' ? undefined : replace(read)
    closing = window.charCodeAt(at)
    give(from)
    if (found) {
      const text = found.text === rewritten.ours ? ours : encodeXmlText(found.text)
      out += window.slice(given, from) + text
      at += measure(raw, read, found.length)
      given = at
    }
    state = 'tag'
    return true
  }

  function replace(text: string) {
    return replaceAddress(text, { ehr, place, isUrl: name === 'url' }, rewritten)
  }

  function passTag(): boolean {
    const text = window
    for (let index = at; index < text.length; index++) {
      const code = text.charCodeAt(index)
      if (code === LESS) {
        // No tag holds one: what no parser reads is read on from here.
        give(index)
        state = 'text'
        return true
      }
      if (closing !== 0) {
        if (code === closing) closing = 0
      } else if (code === QUOTE || code === APOSTROPHE) {
        closing = code
      } else if (code === GREATER) {
        const isEmpty = (index === at ? last : text.charCodeAt(index - 1)) === SLASH
        give(index + 1)
        endTag(isEmpty)
        return true
      }
    }
    give(text.length)
    return false
  }

  function endTag(isEmpty: boolean): void {
    state = 'text'
    if (isClosing) {
      if (depth > 0) depth--
      place = depth === 0 ? 'unknown' : (outer[depth] ?? 'nothing')
    } else if (!isEmpty && !name.startsWith('!')) {
      if (depth < DEEPEST) outer[depth] = place
      place = ++depth > DEEPEST ? 'nothing' : placeInElement(name)
    }
  }
}
