// What goes wrong outside of every promise, where a test would not see it: in the product it would be
// logged as a fault, or end the process.

import { after, before } from 'node:test'

/** Collects stray errors while the tests of a file run. */
export function useStrays(): readonly unknown[] {
  const strays: unknown[] = []
  const note = (error: unknown) => void strays.push(error)
  before(() => process.on('uncaughtException', note).on('unhandledRejection', note))
  after(() => process.off('uncaughtException', note).off('unhandledRejection', note))
  return strays
}
