// Programs that sign, or do not, for tests of what runs them.

import { chmodSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { removeFolder } from '../world/folder.ts'

/** A shell script of these lines, and the folder that it is alone in. */
export function writeProgram(t: Pick<TestContext, 'after'>, lines: string) {
  const folder = mkdtempSync(join(tmpdir(), 'fhirstorm-signer-'))
  t.after(() => removeFolder(folder))
  const path = join(folder, 'sign.sh')
  writeFileSync(path, `#!/bin/sh\n${lines}\n`)
  chmodSync(path, 0o700)
  return { path, folder }
}
