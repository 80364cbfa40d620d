// The EHR's address in JSON and NDJSON, found by one regular expression that looks back from a match
// to its key: values of `fullUrl`, `reference`, `location` and `url` that begin with the base, at a
// `/`, `?` or the end. Exact for valid JSON, because an opening quote never follows a backslash.
// Streamed over any chunk borders in flat memory. Pure: no I/O, no clock.

import { LONGEST_CANONICAL, spellCanonicalPath } from './canonical.ts'
import { inJson, listSpellings, literally, spellBases } from './spelling.ts'

/** Text in, text out; what cannot be decided yet is kept back until the next piece or the end. */
export interface Rewriting {
  push(text: string): string
  end(): string
}

/** What finds one EHR's base in JSON; made once per registration. */
export interface JsonNeedle {
  pattern: RegExp
  spellings: readonly string[]
  /** A string that is longer than this without a match holds none. */
  longest: number
}

const SPACE = '[ \\t\\r\\n]*'
// `\"reference":` and one more character: all that a match looks back to, spaces apart.
const CONTEXT_LENGTH = 14
const ENDS_IN_KEY = /"(?:fullUrl|reference|location|url)"$/
const UNDECIDED_PATH = new RegExp(`^/[a-z]{0,${LONGEST_CANONICAL}}$`)

/** Compiles the search for some bases. */
export function buildJsonNeedle(bases: readonly string[]): JsonNeedle {
  const after = (keys: string) => `(?<=(?<!\\\\)"${keys}"${SPACE}:${SPACE}"[^"]*)`
  const spellings = listSpellings(bases)
  return {
    pattern: new RegExp(
      `(?<=")${spellBases(bases, inJson)}(?=\\\\?/|[?"])` +
        `(?:${after('(?:fullUrl|reference|location)')}` +
        `|(?!${spellCanonicalPath(inJson.slash)})${after('url')})`,
      'g',
    ),
    spellings,
    longest: 2 * Math.max(...spellings.map(text => text.length)) + LONGEST_CANONICAL,
  }
}

/** The whole text with our address in the place of the base; latin1, so that bytes are characters. */
export function rewriteJson(text: string, { pattern }: JsonNeedle, ours: string): string {
  return text.replace(pattern, literally(ours))
}

/** The same for a text that comes in pieces. */
export function createJsonRewriting(needle: JsonNeedle, ours: string): Rewriting {
  const replacement = literally(ours)
  /** The end of what was given out, as far as a match may look back. */
  let context = ''
  let held = ''

  return {
    push(text) {
      const window = context + held + text
      const seen = context.length
      const cut = findUndecided(window, seen, needle)
      context = keepContext(window.slice(0, cut))
      held = window.slice(cut)
      if (held === '') return window.replace(needle.pattern, replacement).slice(seen)
      // The quote at the cut is there for a match that ends before it.
      return window
        .slice(0, cut + 1)
        .replace(needle.pattern, replacement)
        .slice(seen, -1)
    },
    end: () => held,
  }
}

/** Where the last string begins, while it may still turn out to be a match; else the end. */
function findUndecided(window: string, seen: number, needle: JsonNeedle): number {
  const { spellings, longest } = needle
  const quote = window.lastIndexOf('"')
  if (quote < seen || window.length - quote > longest) return window.length
  const start = window
    .slice(quote + 1)
    .replaceAll('\\', '')
    .toLowerCase()
  const isOpen = spellings.some(
    base =>
      base.startsWith(start) ||
      (start.startsWith(base) && UNDECIDED_PATH.test(start.slice(base.length))),
  )
  return isOpen ? quote : window.length
}

// Spaces around the colon behind a key are dropped, so that any number of them costs nothing.
function keepContext(text: string): string {
  const trimmed = text.trimEnd()
  const colon = trimmed.endsWith(':') ? ':' : ''
  const key = colon === '' ? trimmed : trimmed.slice(0, -1).trimEnd()
  const kept = ENDS_IN_KEY.test(key.slice(-CONTEXT_LENGTH)) ? key + colon : text
  return kept.slice(-CONTEXT_LENGTH)
}
