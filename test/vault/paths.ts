// A folder of its own for a test's vault file, gone after the test.

import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { removeFolder } from '../world/folder.ts'

/** The path of a vault file that does not exist yet, nor does its folder. */
export async function makePath(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'fhirstorm-vault-'))
  t.after(() => removeFolder(folder))
  return join(folder, 'data', 'vault.db')
}
