// Every reader of outside text on texts of a fixed seed, and on every text at which one of them did not hold
// before. `npm run fuzz` goes on for as long as it is told.

import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { fuzz } from './fuzz.ts'
import type { Reader } from './reader.ts'
import { readers } from './readers/readers.ts'
import { readSeeds } from './seeds.ts'

const RUNS = 150
const SEED = 20_261_127

describe('readers of outside text', () => {
  for (const reader of readers) {
    test(`${reader.name}: texts of a fixed seed`, async () => {
      const found = await fuzz(reader, { runs: RUNS, seed: SEED })
      assert.equal(found, undefined, found && `${JSON.stringify(found.text)}\n${found.what}`)
    })
    for (const text of readSeeds(reader.name)) {
      test(`${reader.name}: ${JSON.stringify(text).slice(0, 60)} holds now`, async () => {
        await reader.read(text)
      })
    }
  }
})

test('a reader that gives way is found, with the smallest text at which it does', async () => {
  const weak: Reader = {
    name: 'weak',
    samples: ['a=b'],
    scraps: ['%', '%%'],
    read(text) {
      assert.ok(!text.includes('%%'))
    },
  }
  const found = await fuzz(weak, { runs: 1_000, seed: SEED })
  assert.equal(found?.text, '%%')
})

test('every file of seeds is of a reader that is there', () => {
  const files = readdirSync(join(import.meta.dirname, 'seeds')).filter(file =>
    file.endsWith('.json'),
  )
  const known = readers.map(({ name }) => `${name.toLowerCase().replace(/[^a-z0-9]+/g, '-')}.json`)
  assert.deepEqual(
    files.filter(file => !known.includes(file)),
    [],
  )
  assert.equal(new Set(known).size, known.length)
})
