// Inputs of a reader: any text, words of its grammar in any order, and samples with pieces cut out, doubled,
// moved and put in.

import fc from 'fast-check'
import type { Reader } from './reader.ts'

const COMMON = [
  '',
  ' ',
  '\0',
  '\n',
  '\r\n',
  '\t',
  '"',
  '\\',
  '%',
  '&',
  'a',
  'é',
  '\ud800',
  '\u202e',
  '0',
  '__proto__',
]
const MOST_PARTS = 24
const MOST_CHANGES = 4
const SPOTS = 1_000_000

/** Texts for one reader. */
export function textsFor({ samples, scraps = [] }: Reader): fc.Arbitrary<string> {
  const word = fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(...scraps, ...COMMON) },
    { weight: 1, arbitrary: fc.constantFrom(...samples) },
    { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 6 }) },
  )
  const words = fc.array(word, { maxLength: MOST_PARTS }).map(parts => parts.join(''))
  const change = fc.tuple(
    fc.constantFrom('cut', 'double', 'put in', 'flip', 'repeat'),
    fc.nat(SPOTS),
    fc.nat(SPOTS),
    word,
  )
  const changed = fc
    .tuple(fc.constantFrom(...samples), fc.array(change, { minLength: 1, maxLength: MOST_CHANGES }))
    .map(([sample, changes]) => changes.reduce(apply, sample))
  return fc.oneof(
    { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 64 }) },
    { weight: 3, arbitrary: words },
    { weight: 4, arbitrary: changed },
  )
}

/** What is repeated to see how the work grows: a few words of the grammar. */
export function pumpsFor({ samples, scraps = [] }: Reader): fc.Arbitrary<string> {
  const word = fc.constantFrom(...scraps, ...COMMON, ...samples)
  return fc.array(word, { minLength: 1, maxLength: 3 }).map(parts => parts.join('') || ' ')
}

type Change = [kind: string, one: number, other: number, word: string]

function apply(text: string, [kind, one, other, word]: Change): string {
  const spots = [one, other].map(spot => Math.floor((spot / SPOTS) * text.length))
  const [from = 0, to = 0] = spots.sort((a, b) => a - b)
  const [before, between, behind] = [text.slice(0, from), text.slice(from, to), text.slice(to)]
  if (kind === 'cut') return before + behind
  if (kind === 'double') return before + between + between + behind
  if (kind === 'put in') return before + word + between + behind
  if (kind === 'repeat') return before + word.repeat(1 + (other % 40)) + behind
  const flipped = String.fromCharCode((between.charCodeAt(0) || 0) ^ (1 << (other % 8)))
  return before + flipped + between.slice(1) + behind
}
