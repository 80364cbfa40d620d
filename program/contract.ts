// The contract's text, openapi.yaml, which lies beside the program in a checkout and in the package.

import { readFile } from 'node:fs/promises'

/** Text of openapi.yaml, for `docs: true`. */
export async function readContract(): Promise<string> {
  // One folder up in a checkout, two from dist/.
  const inCheckout = new URL('../openapi.yaml', import.meta.url)
  const beside = new URL('../../openapi.yaml', import.meta.url)
  return await readFile(inCheckout, 'utf8').catch(() => readFile(beside, 'utf8'))
}
