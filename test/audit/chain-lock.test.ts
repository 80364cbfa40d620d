// One chain for one process: what is taken, what is given back, and what is no lock of anybody.

import assert from 'node:assert/strict'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { takeChain, tryChain } from '../../src/audit/chain-lock.ts'
import { removeFolder } from '../world/folder.ts'

function makePath(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'audit-lock-'))
  t.after(() => removeFolder(folder))
  return join(folder, 'audit.ndjson')
}

test('[AU1] a chain that is taken is nobody else’s until it is given back', async t => {
  const path = makePath(t)
  const first = await tryChain(path)
  assert.equal(first?.path, path)
  assert.equal(await tryChain(path), undefined)
  const second = await takeChain(path)
  assert.equal(second?.path, path.replace('.ndjson', '.1.ndjson'))
  first?.release()
  first?.release()
  const again = await takeChain(path)
  assert.equal(again?.path, path)
  again?.release()
  second?.release()
})

test('[AU2] a lock that cannot be made, or is none of ours, is a fault and no chain that is taken', async t => {
  const path = makePath(t)
  await assert.rejects(tryChain(join(path, 'absent', 'audit.ndjson')), { code: 'ENOENT' })
  writeFileSync(`${path}.lock`, 'something else'.repeat(99))
  await assert.rejects(tryChain(path), { errcode: 26 })
})
