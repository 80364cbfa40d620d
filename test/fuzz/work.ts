// Counts the steps of one reader on what is repeated. Counting makes everything slow, and has to begin before
// the readers are compiled: it happens in a process of its own.

import assert from 'node:assert/strict'
import fc from 'fast-check'
import { countSteps } from '../work/steps.ts'
import { describe, type Found, type Runs } from './fuzz.ts'
import { pumpsFor } from './inputs.ts'
import type { Reader } from './reader.ts'

const [FEW, MANY] = [400, 3_200]

/**
 * Repeats so many words of its grammar: eight times the text may take twenty times the steps, not more (not
 * ten: calls that V8 has inlined are not counted).
 */
export function fuzzWork(reader: Reader, { runs, seed }: Runs): Found | undefined {
  const { work } = reader
  if (work === undefined) return undefined
  const property = fc.property(pumpsFor(reader), pump => {
    const count = (size: number) =>
      countSteps(() => readOrRefuse(work, pump.repeat(Math.ceil(size / pump.length))))
    const [few, many] = [count(FEW), count(MANY)]
    assert.ok(many <= 20 * few, `${few} steps became ${many}`)
  })
  return describe(reader, fc.check(property, { numRuns: runs, seed, endOnFailure: true }))
}

function readOrRefuse(work: (text: string) => unknown, text: string): void {
  try {
    work(text)
  } catch {
    // What it refuses is the other test's.
  }
}
