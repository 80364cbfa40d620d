// Folders of tests, which are gone after them.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'

/** A folder for a test alone. */
export function makeTestFolder(t: Pick<TestContext, 'after'>): string {
  const folder = mkdtempSync(join(tmpdir(), 'fhirstorm-test-'))
  // What is closed after it may write meanwhile, and a fault here would leave it open.
  t.after(() => rmSync(folder, { recursive: true, force: true, maxRetries: 10 }))
  return folder
}

/** A pipe with a name, in a folder of its own. */
export function makeFifo(t: Pick<TestContext, 'after'>): string {
  const path = join(makeTestFolder(t), 'pipe')
  assert.equal(spawnSync('mkfifo', [path]).status, 0)
  return path
}
