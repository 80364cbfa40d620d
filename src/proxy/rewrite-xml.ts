// The EHR's address in FHIR XML: the `value` of `fullUrl`, `reference`, `location` and `url` elements.
// Comments, CDATA and processing instructions are passed over; text and other attributes are never
// looked at, so narrative and Binary data stay as they are. One pass over each piece, whatever its
// borders: kept back are the beginning of a name and of an address alone (attacks R17, DS3).
// Pure: no I/O, no clock.

import { LONGEST_CANONICAL, spellCanonicalPath } from './canonical.ts'
import type { Rewriting } from './rewrite-json.ts'
import { listSpellings, plain, spellBases } from './spelling.ts'
import { createValueSearch } from './value-attribute.ts'

/** What finds one EHR's base in XML; made once per registration. */
export interface XmlNeedle {
  /** Matches at the opening quote of a value that is an address below the base. */
  address: RegExp
  /** The same where canonical URLs are names. */
  url: RegExp
  /** A value that is longer than this without a match is none. */
  longest: number
}

const LONGEST_PREFIX = 63
const PREFIX = `(?:[^ \\t\\r\\n<>/:="'!?]{1,${LONGEST_PREFIX}}:)?`
// A `<` that matters: what is passed over, or one of our elements.
const OPENING = new RegExp(
  `<(?:!--|!\\[CDATA\\[|\\?|${PREFIX}(?:fullUrl|reference|location|(url))(?=[ \\t\\r\\n]))`,
  'g',
)
const terminators: Readonly<Record<string, string>> = {
  '<!--': '-->',
  '<![CDATA[': ']]>',
  '<?': '?>',
}
const LONGEST_OPENING = LONGEST_PREFIX + '<:reference '.length

/** Compiles the search for some bases. */
export function buildXmlNeedle(bases: readonly string[]): XmlNeedle {
  const base = `(["'])${spellBases(bases, plain)}(?=[/?]|\\1)`
  const lengths = listSpellings(bases).map(({ length }) => length)
  return {
    address: new RegExp(base, 'y'),
    url: new RegExp(`${base}(?!${spellCanonicalPath('/')})`, 'y'),
    longest: Math.max(...lengths) + LONGEST_CANONICAL + 2,
  }
}

/** The whole text with our address in the place of the base; latin1, so that bytes are characters. */
export function rewriteXml(text: string, needle: XmlNeedle, ours: string): string {
  const rewriting = createXmlRewriting(needle, ours)
  return rewriting.push(text) + rewriting.end()
}

/** The same for a text that comes in pieces. */
export function createXmlRewriting(needle: XmlNeedle, ours: string): Rewriting {
  const search = createValueSearch()
  let place: 'text' | 'passed over' | 'tag' | 'value' = 'text'
  let window = ''
  let at = 0
  let out = ''
  /** What ends the comment, CDATA or instruction we are in. */
  let terminator = ''
  /** What is looked for in the element we are in. */
  let address = needle.address
  const steps = { text: findOpening, 'passed over': passOver, tag: findValue, value: rewriteValue }

  return {
    push(text) {
      window = window.slice(at) + text
      at = 0
      out = ''
      while (steps[place]());
      return out
    },
    end: () => window.slice(at),
  }

  function give(to: number): void {
    out += window.slice(at, to)
    at = to
  }

  // Each step gives what it has read, and says whether the next one can go on.

  function findOpening(): boolean {
    OPENING.lastIndex = at
    const opening = OPENING.exec(window)
    if (opening === null) {
      give(findUnfinished(window, at))
      return false
    }
    give(opening.index + opening[0].length)
    const ends = terminators[opening[0]]
    if (ends === undefined) {
      place = 'tag'
      address = opening[1] === undefined ? needle.address : needle.url
      search.begin()
    } else {
      place = 'passed over'
      terminator = ends
    }
    return true
  }

  function passOver(): boolean {
    const end = window.indexOf(terminator, at)
    if (end === -1) {
      give(Math.max(at, window.length - terminator.length + 1))
      return false
    }
    give(end + terminator.length)
    place = 'text'
    return true
  }

  function findValue(): boolean {
    give(search.read(window, at))
    if (search.outcome === 'open') return false
    place = search.outcome === 'found' ? 'value' : 'text'
    return true
  }

  // The rest of the tag needs no reading: no attribute holds a `<`.
  function rewriteValue(): boolean {
    const isWhole = window.length - at >= needle.longest
    if (!isWhole && !window.includes(window.charAt(at), at + 1)) return false
    address.lastIndex = at
    const found = address.exec(window)?.[0]
    if (found !== undefined) {
      out += found.charAt(0) + ours
      at += found.length
    }
    place = 'text'
    return true
  }
}

/** Where a tag begins whose name is not all there yet, else the end. */
function findUnfinished(window: string, from: number): number {
  const last = window.lastIndexOf('<')
  const isOpen = last >= from && window.length - last < LONGEST_OPENING
  return isOpen && !/[ \t\r\n>]/.test(window.slice(last)) ? last : window.length
}
