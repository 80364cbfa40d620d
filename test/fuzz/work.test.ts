// What is repeated costs every reader steps in proportion to it, counted on words of a fixed seed.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fuzzWork } from './work.ts'

// Before the readers are compiled: only then each of their blocks is counted.
const { readers } = await import('./readers/readers.ts')

const RUNS = 4
const SEED = 20_261_127

for (const reader of readers.filter(({ work }) => work)) {
  test(`[DS10] ${reader.name}: repeated words of its grammar`, () => {
    const found = fuzzWork(reader, { runs: RUNS, seed: SEED })
    assert.equal(found, undefined, found && `${JSON.stringify(found.text)}\n${found.what}`)
  })
}

test('a reader whose work grows faster is found', () => {
  const weak = {
    name: 'weak',
    samples: ['a&'],
    read: () => undefined,
    work(text: string) {
      for (let at = 0; at < text.length; at++) text.indexOf('\u0001', at)
    },
  }
  assert.match(fuzzWork(weak, { runs: 5, seed: SEED })?.what ?? '', /steps became/)
})
