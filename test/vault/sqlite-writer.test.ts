// That a durable write is one: no test without power loss can see it, so SQLite is asked. And what is tried
// again where another process holds the file, how many at a time, and what is not.

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { VaultRefusal } from '../../src/vault/refusal.ts'
import { prepareFile } from '../../src/vault/sqlite-file.ts'
import { openDatabase } from '../../src/vault/sqlite-schema.ts'
import { createSqliteWriter } from '../../src/vault/sqlite-writer.ts'
import { makePath } from './paths.ts'

const NORMAL = 1
const FULL = 2

async function open(t: TestContext) {
  const path = await makePath(t)
  prepareFile(path)
  const db = openDatabase(path, 2 ** 30)
  t.after(() => db.close())
  return { db, writer: createSqliteWriter(db) }
}

/** A write that fails this often by this number of SQLite's, and how often it was tried. */
function failing(errcode: number, failures = Number.POSITIVE_INFINITY) {
  const state = { tries: 0 }
  const run = () => {
    if (++state.tries <= failures) throw Object.assign(new Error('told to nobody'), { errcode })
    return 'done'
  }
  return { state, run }
}

test('[F6, V4] every durable write is synchronous in full, from the very first, and no other is', async t => {
  const { db, writer } = await open(t)
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

const [BUSY, BUSY_SNAPSHOT, FULL_DISK] = [5, 517, 13]

test('[V11] a file that another process holds is tried again, and any other failure is told at once', async t => {
  const { writer } = await open(t)
  for (const errcode of [BUSY, BUSY_SNAPSHOT]) {
    const { state, run } = failing(errcode, 3)
    assert.equal(await writer.attempt(run), 'done')
    assert.equal(state.tries, 4)
  }
  for (const errcode of [FULL_DISK, 11, 0]) {
    const { state, run } = failing(errcode)
    await assert.rejects(writer.attempt(run), { code: 'vault_unavailable' })
    assert.equal(state.tries, 1)
  }
})

test('[V10] a refusal within a write stays one, is not tried again, and nothing is written', async t => {
  const { db, writer } = await open(t)
  let tries = 0
  const refuse = () => {
    tries++
    db.exec("INSERT INTO key_mark VALUES ('key', 'mark')")
    throw new VaultRefusal('sealed under another key')
  }
  for (const write of [writer.durably, writer.lightly]) {
    await assert.rejects(write(refuse), { name: 'VaultRefusal' })
  }
  assert.equal(tries, 2)
  assert.equal(db.prepare('SELECT count(*) AS n FROM key_mark').get()?.n, 0)
})

test('[DS13, V11] a thousand writes wait for another process, and one more is refused at once', async t => {
  const { writer } = await open(t)
  const waiting = Array.from({ length: 1_000 }, () => writer.attempt(failing(BUSY, 1).run))
  const { state, run } = failing(BUSY, 3)
  await assert.rejects(writer.attempt(run), { code: 'vault_unavailable', detail: 'SQLite 5' })
  assert.equal(state.tries, 1)
  assert.deepEqual(new Set(await Promise.all(waiting)), new Set(['done']))
  assert.equal(await writer.attempt(failing(BUSY, 1).run), 'done')
})
