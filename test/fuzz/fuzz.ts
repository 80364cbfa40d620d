// Fuzzes one reader: tries what must hold on texts, and finds the smallest at which it does not.

import fc from 'fast-check'
import { textsFor } from './inputs.ts'
import type { Reader } from './reader.ts'

export interface Found {
  reader: string
  text: string
  what: string
}

/** How many, and where the random texts begin. */
export interface Runs {
  runs: number
  seed: number
}

/** Tries so many texts; the smallest one at which something does not hold, or undefined. */
export async function fuzz(reader: Reader, { runs, seed }: Runs): Promise<Found | undefined> {
  const property = fc.asyncProperty(textsFor(reader), async text => {
    await reader.read(text)
  })
  return describe(reader, await fc.check(property, { numRuns: runs, seed }))
}

/** What fast-check found, if anything. */
export function describe({ name }: Reader, result: fc.RunDetails<[string]>): Found | undefined {
  if (!result.failed) return undefined
  const [text = ''] = result.counterexample ?? []
  const error = result.errorInstance
  const what = error instanceof Error ? (error.stack ?? error.message) : String(error)
  return { reader: name, text, what }
}
