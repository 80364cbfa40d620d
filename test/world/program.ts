// Programs of the system that tests need. Where one is missing this is said loudly, and is a failure
// where CI is set.

import { existsSync } from 'node:fs'

/** True when the programs are there; `debian` is the package that brings each. */
export function hasPrograms(...programs: readonly { path: string; debian: string }[]): boolean {
  const missing = programs.filter(({ path }) => !existsSync(path))
  if (missing.length === 0) return true
  const message = missing
    .map(({ path, debian }) => `${path} is missing: install the package ${debian}`)
    .join('; ')
  if (process.env.CI) throw new Error(message)
  console.error(`\n*** ${message}; its tests are skipped ***\n`)
  return false
}
