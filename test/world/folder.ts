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
  t.after(() => removeFolder(folder))
  return folder
}

/** Removes a folder in which programs that were just told to end may still write. */
export function removeFolder(path: string): void {
  rmSync(path, { recursive: true, force: true, maxRetries: 10 })
}

const made = new Set<string>()

/** A folder that is gone with this process at the latest, whatever a program that ends after its removal writes. */
export function makeProcessFolder(prefix: string, parent = tmpdir()): string {
  if (made.size === 0) process.once('exit', () => made.forEach(removeFolder))
  const folder = mkdtempSync(join(parent, prefix))
  made.add(folder)
  return folder
}

/** A pipe with a name, in a folder of its own. */
export function makeFifo(t: Pick<TestContext, 'after'>): string {
  const path = join(makeTestFolder(t), 'pipe')
  assert.equal(spawnSync('mkfifo', [path]).status, 0)
  return path
}
