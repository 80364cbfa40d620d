// Folders that are made with those above them, where the system lets them be, and where it does not.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { makeFolder } from '../src/make-folder.ts'
import { removeFolder } from './world/folder.ts'

test('[V6] folders are made for this user alone, and those that are there stay', t => {
  const root = mkdtempSync(join(tmpdir(), 'folder-'))
  t.after(() => removeFolder(root))
  makeFolder(join(root, 'a/b/c'))
  makeFolder(join(root, 'a/b/c/'))
  assert.equal(statSync(join(root, 'a/b')).mode & 0o777, 0o700)
  writeFileSync(join(root, 'file'), '')
  for (const path of ['file', 'file/b', 'file/b/c']) {
    assert.throws(() => makeFolder(join(root, path)), { code: /^E(EXIST|NOTDIR)$/ }, path)
  }
  symlinkSync('a/b', join(root, 'link'))
  makeFolder(join(root, 'link/d'))
  assert.ok(statSync(join(root, 'a/b/d')).isDirectory())
})

// Node's own recursive way never ends there: each is tried in a process that can be ended.
for (const path of ['/proc/none', '/proc/none/a/b', '/dev/null/a', '/sys/none/a']) {
  test(`[V6] a start whose vault, audit or keys are below ${path} is refused`, () => {
    const places = [
      `import { makeFolder } from './src/make-folder.ts'; makeFolder('${path}')`,
      `import { prepareFile } from './src/vault/sqlite-file.ts'; prepareFile('${path}/vault.db')`,
      `import { takeChain } from './src/audit/chain-lock.ts'; await takeChain('${path}/audit')`,
    ]
    for (const place of places) {
      const { status, signal, stderr } = spawnSync(
        process.execPath,
        ['--input-type=module', '--eval', place],
        { encoding: 'utf8', timeout: 60_000 },
      )
      assert.deepEqual([status, signal], [1, null], stderr)
      assert.match(stderr, /ENOENT|ENOTDIR|EEXIST|EACCES|EPERM/)
    }
  })
}
