// Which fhirstorm this is: package.json lies beside the sources, and above what was compiled.

import { readFileSync } from 'node:fs'
import { readCommit } from './commit.ts'

/** The version of the package. */
export function readVersion(): string {
  return readBuild().version
}

/** Version and commit, each `unknown` where nothing says it. */
export function readBuild(): { version: string; commit: string } {
  const above = new URL('../', import.meta.url)
  for (const root of [above, new URL('../', above)]) {
    try {
      const { name, version } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8'))
      const commit = readCommit(new URL('commit', above), new URL('.git/', root)) ?? 'unknown'
      if (name === 'fhirstorm') return { version: String(version), commit }
    } catch {
      // The next one.
    }
  }
  return { version: 'unknown', commit: 'unknown' }
}
