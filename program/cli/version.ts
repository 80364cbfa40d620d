// Which fhirstorm this is: package.json lies beside the sources, and above what was compiled.

import { readFileSync } from 'node:fs'

/** The version of the package. */
export function readVersion(): string {
  return readBuild().version
}

/** Version and commit; the commit is the `gitHead` that npm and the image's build leave in package.json. */
export function readBuild(): { version: string; commit: string } {
  for (const path of ['../../package.json', '../../../package.json']) {
    try {
      const {
        name,
        version,
        gitHead = 'unknown',
      } = JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8'))
      if (name === 'fhirstorm') return { version: String(version), commit: String(gitHead) }
    } catch {
      // The next one.
    }
  }
  return { version: 'unknown', commit: 'unknown' }
}
