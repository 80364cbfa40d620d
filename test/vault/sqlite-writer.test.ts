// That a durable write is one: no test without power loss can see it, so SQLite is asked.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { prepareFile } from '../../src/vault/sqlite-file.ts'
import { openDatabase } from '../../src/vault/sqlite-schema.ts'
import { createSqliteWriter } from '../../src/vault/sqlite-writer.ts'
import { makePath } from './paths.ts'

const NORMAL = 1
const FULL = 2

test('[F6, V4] every durable write is synchronous in full, from the very first, and no other is', async t => {
  const path = await makePath(t)
  prepareFile(path)
  const db = openDatabase(path, 2 ** 30)
  t.after(() => db.close())
  const writer = createSqliteWriter(db)
  const level = () => db.prepare('PRAGMA synchronous').get()?.synchronous
  assert.equal(level(), NORMAL)
  for (let i = 0; i < 3; i++) {
    assert.equal(await writer.durably(level), FULL)
    assert.equal(await writer.lightly(level), NORMAL)
    assert.equal(await writer.attempt(level), NORMAL)
  }
  const fail = () => {
    throw new Error('a write that fails')
  }
  await assert.rejects(writer.durably(fail), { code: 'vault_unavailable' })
  assert.equal(level(), NORMAL)
  assert.equal(db.isTransaction, false)
})
