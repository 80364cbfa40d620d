// Where the `value` attribute of an XML tag begins, found character by character: a tag may be of any
// length and come in any pieces, and nothing of it has to be kept. Pure: no I/O, no clock.
// XML 1.0, productions 25 (Eq) and 41 (Attribute).

/** Reads the attributes of one tag after the other. */
export interface ValueSearch {
  /** `found`: at the value's opening quote. `none`: the tag ended, or holds what no tag may hold. */
  readonly outcome: 'open' | 'found' | 'none'
  /** Begins another tag, right behind its name. */
  begin(): void
  /** Reads on, and returns where it stopped: the end of the text as long as nothing is decided. */
  read(text: string, from: number): number
}

const NAME = 'value'
const QUOTE = 0x22
const APOSTROPHE = 0x27
const LESS = 0x3c
const EQUALS = 0x3d
const GREATER = 0x3e

/** What comes next: `gap` is a space, `name` the rest of a name, `eq` what stands before a quote. */
type Expected = 'gap' | 'attribute' | 'name' | 'eq' | 'quote' | 'content'

export function createValueSearch(): ValueSearch {
  let expected: Expected = 'gap'
  /** How much of the name looked for was read; -1 in any other name. */
  let matched = 0
  /** The quote that ends the content we are in. */
  let closing = 0

  const search = {
    outcome: 'open' as ValueSearch['outcome'],
    begin() {
      search.outcome = 'open'
      expected = 'gap'
    },
    read(text: string, from: number) {
      let at = from
      while (at < text.length) {
        search.outcome = readOne(text.charCodeAt(at))
        if (search.outcome !== 'open') break
        at++
      }
      return at
    },
  }
  return search

  function readOne(code: number): ValueSearch['outcome'] {
    if (code === LESS) return 'none'
    if (expected === 'content') {
      if (code === closing) expected = 'gap'
    } else if (code === QUOTE || code === APOSTROPHE) {
      if (expected !== 'quote') return 'none'
      if (matched === NAME.length) return 'found'
      expected = 'content'
      closing = code
    } else if (code === EQUALS) {
      if (expected !== 'name' && expected !== 'eq') return 'none'
      expected = 'quote'
    } else if (isSpace(code)) {
      if (expected === 'gap') expected = 'attribute'
      else if (expected === 'name') expected = 'eq'
    } else {
      if (code === GREATER || (expected !== 'attribute' && expected !== 'name')) return 'none'
      if (expected === 'attribute') matched = 0
      matched = matched !== -1 && NAME.charCodeAt(matched) === code ? matched + 1 : -1
      expected = 'name'
    }
    return 'open'
  }
}

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x0a || code === 0x09 || code === 0x0d
}
