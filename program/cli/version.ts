// Which fhirstorm this is: package.json lies beside the sources, and above what was compiled.

import { readFileSync } from 'node:fs'

/** The version of the package. */
export function readVersion(): string {
  for (const path of ['../../package.json', '../../../package.json']) {
    try {
      const { name, version } = JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8'))
      if (name === 'fhirstorm') return String(version)
    } catch {
      // The next one.
    }
  }
  return 'unknown'
}
