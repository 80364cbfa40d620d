// Whether a development server would serve a folder, and every secret in it with the rest.

import { existsSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'

const SERVED = [
  'index.html',
  ...['js', 'mjs', 'cjs', 'ts', 'mts', 'cts'].map(t => `vite.config.${t}`),
]

/**
 * The file by which the folder, or one above it within the same checkout, is the root of a development server:
 * Vite and its like serve all of it, hidden or not.
 */
export function findServedRoot(folder: string): string | undefined {
  const here = resolve(folder)
  const holds = (name: string) => existsSync(join(here, name))
  const mark = SERVED.find(holds)
  if (mark !== undefined) return join(here, mark)
  return holds('.git') || dirname(here) === here ? undefined : findServedRoot(dirname(here))
}
