// The EHR's address in FHIR XML: the `value` of `fullUrl`, `reference`, `location` and `url` elements.
// Comments, CDATA and processing instructions are passed over; text and other attributes are never
// looked at, so narrative and Binary data stay as they are. Streamed over any chunk borders in flat
// memory. Pure: no I/O, no clock.

import { spellCanonicalPath } from './canonical.ts'
import type { Rewriting } from './rewrite-json.ts'
import { literally, plain, spellBases } from './spelling.ts'

const SPACE = '[ \\t\\r\\n]'
const NAME = '(?:[A-Za-z_][\\w.-]*:)?'
const ATTRIBUTE = `${SPACE}+[^ \\t\\r\\n=<>"']+${SPACE}*=${SPACE}*(?:"[^"<]*"|'[^'<]*')`
// A `<` that matters: what is passed over, or one of our elements.
const OPENING = new RegExp(
  `<(?:!--|!\\[CDATA\\[|\\?|${NAME}(?:fullUrl|reference|location|url)(?=${SPACE}))`,
  'g',
)
const TAG = /<[^"'<>]*(?:"[^"<]*"[^"'<>]*|'[^'<]*'[^"'<>]*)*>/y
const terminators: Readonly<Record<string, string>> = {
  '<!--': '-->',
  '<![CDATA[': ']]>',
  '<?': '?>',
}
// The longest name that is looked for, with a prefix.
const LONGEST_OPENING = 80
const LONGEST_TAG = 16 * 1024

/** Compiles the search for some bases; made once per registration. */
export function buildXmlNeedle(bases: readonly string[]): RegExp {
  const before = (names: string) =>
    `(?<=^<${NAME}${names}(?:${ATTRIBUTE})*?${SPACE}+value${SPACE}*=${SPACE}*["'])`
  const base = `${spellBases(bases, plain)}(?=[/?"'])`
  return new RegExp(
    `${before('(?:fullUrl|reference|location)')}${base}` +
      `|${before('url')}${base}(?!${spellCanonicalPath('/')})`,
  )
}

/** The whole text with our address in the place of the base; latin1, so that bytes are characters. */
export function rewriteXml(text: string, needle: RegExp, ours: string): string {
  const rewriting = createXmlRewriting(needle, ours)
  return rewriting.push(text) + rewriting.end()
}

/** The same for a text that comes in pieces. */
export function createXmlRewriting(needle: RegExp, ours: string): Rewriting {
  const replacement = literally(ours)
  let window = ''
  let at = 0
  let out = ''
  /** What ends the comment, CDATA or instruction we are in. */
  let until: string | undefined

  return {
    push(text) {
      window = window.slice(at) + text
      at = 0
      out = ''
      let isDecided = true
      while (isDecided) isDecided = until === undefined ? rewriteNext() : passOver(until)
      return out
    },
    end: () => window.slice(at),
  }

  function give(to: number): void {
    out += window.slice(at, to)
    at = to
  }

  function passOver(terminator: string): boolean {
    const end = window.indexOf(terminator, at)
    if (end === -1) {
      give(Math.max(at, window.length - terminator.length + 1))
      return false
    }
    give(end + terminator.length)
    until = undefined
    return true
  }

  function rewriteNext(): boolean {
    OPENING.lastIndex = at
    const opening = OPENING.exec(window)
    give(opening?.index ?? findOpen(window, at))
    if (!opening) return false
    until = terminators[opening[0]]
    TAG.lastIndex = at
    const tag = until === undefined ? TAG.exec(window)?.[0] : undefined
    if (tag !== undefined) {
      out += tag.replace(needle, replacement)
      at += tag.length
    } else if (until !== undefined || window.length - at > LONGEST_TAG) {
      give(at + opening[0].length)
    } else {
      return false
    }
    return true
  }
}

/** Where a tag begins whose name is not all there yet, else the end. */
function findOpen(window: string, from: number): number {
  const last = window.lastIndexOf('<')
  const isOpen = last >= from && window.length - last < LONGEST_OPENING
  return isOpen && !/[\s>]/.test(window.slice(last)) ? last : window.length
}
