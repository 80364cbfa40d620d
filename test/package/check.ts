// `npm run check:package`: the package as publint and "Are the types wrong?" see it, each of its entries.

import { spawnSync } from 'node:child_process'
import { globSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, parse } from 'node:path'
import { removeFolder } from '../world/folder.ts'
import { packAfresh } from './pack.ts'

const folder = mkdtempSync(join(tmpdir(), 'fhirstorm-package-'))
try {
  const { tarball } = packAfresh(folder)
  const plugins = globSync('plugins/*.ts').map(path => `plugins/${parse(path).name}`)
  judge('publint', ['run', tarball, '--strict'])
  const documents = ['openapi.yaml', 'openapi-admin.yaml']
  // Modules alone: `require` of one works on every Node that runs this. YAML has no types.
  const entries = ['--include-entrypoints', ...plugins, '--exclude-entrypoints', ...documents]
  judge('attw', [tarball, '--profile', 'esm-only', '--no-emoji', '--no-color', ...entries])
} finally {
  removeFolder(folder)
}

function judge(name: string, words: readonly string[]): void {
  const { status, stdout, stderr } = spawnSync(name, words, { encoding: 'utf8' })
  if (status === 0) {
    console.log(`${name}: nothing to say of the package`)
    return
  }
  console.error(stdout + stderr)
  process.exitCode = 1
}
