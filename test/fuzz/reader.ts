// What is fuzzed: a reader of outside text, what its inputs are made of, and what must hold for any text.

import assert from 'node:assert/strict'
import { BrokerError } from '../../src/errors.ts'

export interface Reader {
  name: string
  /** Texts that it is made for: inputs are pieces, mixtures and changes of them. */
  samples: readonly string[]
  /** Words of its grammar. */
  scraps?: readonly string[]
  /**
   * Reads a text (bytes as latin1) and throws where something does not hold; what it refuses by the book it
   * refuses within.
   */
  read(text: string): unknown
  /** The reading alone, whose steps are counted; none where it is not synchronous. */
  work?(text: string): unknown
}

/** A reading's value, or the code of its refusal; any other error is one that must not be. */
export function outcomeOf<T>(read: () => T): { value: T } | { code: string } {
  try {
    return { value: read() }
  } catch (error) {
    if (error instanceof BrokerError) return { code: error.code }
    throw error
  }
}

/** The same of what takes a while. */
export async function laterOutcomeOf<T>(
  read: () => Promise<T>,
): Promise<{ value: T } | { code: string }> {
  try {
    return { value: await read() }
  } catch (error) {
    if (error instanceof BrokerError) return { code: error.code }
    throw error
  }
}

/** A text in pieces of 1, 7, 64 and many characters: whatever is read in pieces must come to the same. */
export function* cuts(text: string): Generator<string[]> {
  for (const size of [1, 7, 64]) {
    // A long text in single characters tells no more than a short one.
    if (text.length > 4_096 * size) continue
    const pieces: string[] = []
    for (let at = 0; at < text.length; at += size) pieces.push(text.slice(at, at + size))
    yield pieces
  }
}

/** Both come to the same, refusals included. */
export function assertSame(actual: unknown, expected: unknown, what: string): void {
  assert.deepEqual(actual, expected, what)
}

/** Holds no control character, so that it ends no header and no line. */
export function assertPrintable(text: string, what: string): void {
  assert.ok(!/[\x00-\x08\x0a-\x1f\x7f]/.test(text), `${what}: ${JSON.stringify(text)}`)
}
