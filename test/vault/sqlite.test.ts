// The contract, kept in a SQLite file, and what is particular to files: a full disk, a failing one,
// damage, several processes, kill -9.

import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, fork } from 'node:child_process'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { DatabaseSync } from 'node:sqlite'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { BrokerError } from '../../src/errors.ts'
import { openSqliteVault } from '../../src/vault/sqlite.ts'
import { testContract } from './contract.ts'
import type { Home } from './home.ts'
import { testAgainstModel } from './model.ts'
import { makePath } from './paths.ts'
import { testProcesses } from './processes.ts'
import { buildRecord, newId } from './records.ts'

const now = Date.now
const MINUTE = 60_000
const PAGE_BYTES = 4_096

const home: Home = {
  name: 'sqlite',
  lagMs: 0,
  async open(t, clock) {
    const path = await makePath(t)
    const connect = async () => {
      const vault = openSqliteVault({ path, now: clock })
      t.after(() => vault.close())
      return vault
    }
    return { vault: await connect(), connect }
  },
}

testContract(home)
testAgainstModel(home, 100)
testProcesses('sqlite', async t => ({ kind: 'sqlite', path: await makePath(t) }))

function isUnavailable(detail: string) {
  return (error: unknown) => {
    assert.ok(error instanceof BrokerError)
    assert.equal(error.code, 'vault_unavailable')
    assert.equal(error.detail, detail)
    return true
  }
}

test('[V5, V8] a full vault refuses new sessions, keeps the old, and recovers by itself', async t => {
  const path = await makePath(t)
  let at = now()
  const vault = openSqliteVault({ path, now: () => at, maxBytes: 1024 * 1024 })
  t.after(() => vault.close())
  const kept = newId()
  await vault.insert(kept, buildRecord(at, { expiresAt: at + 60 * MINUTE }))
  const fill = async () => {
    for (let i = 0; i < 500; i++) {
      await vault.insert(newId(), buildRecord(at, { value: Buffer.alloc(4000) }))
    }
  }
  await assert.rejects(fill(), isUnavailable('SQLite 13'))
  assert.ok(await vault.read(kept))
  assert.ok(await vault.head(kept))
  await assert.rejects(fill(), isUnavailable('SQLite 13'))
  at += 11 * MINUTE
  while ((await vault.sweep()) > 0);
  const id = newId()
  await vault.insert(id, buildRecord(at))
  assert.ok(await vault.read(id))
})

test('[V5] a disk that fails is 503 for writes, not for reads, and is used again once it works', async t => {
  const path = await makePath(t)
  const writer = fork(new URL('./failing-disk.ts', import.meta.url), [path], { stdio: 'inherit' })
  t.after(() => writer.kill('SIGKILL'))
  const ask = async (step: string) => {
    writer.send(step)
    return ((await once(writer, 'message')) as [unknown])[0]
  }
  const limit = (bytes: number | 'unlimited') =>
    execFileSync('prlimit', [`--pid=${writer.pid}`, `--fsize=${bytes}:unlimited`])

  assert.equal(await ask('insert'), 'done')
  limit(100)
  assert.match(String(await ask('insert')), /^vault_unavailable SQLite \d+$/)
  assert.match(String(await ask('replace')), /^vault_unavailable SQLite \d+$/)
  assert.equal(await ask('read'), 'done')
  assert.equal(await ask('head'), 'done')
  limit('unlimited')
  assert.equal(await ask('replace'), 'done')
  assert.equal(await ask('insert'), 'done')
  assert.equal(await ask('read'), 'done')
})

test('[V11] a file that another process holds locked is 503 in time, and blocks no other work', async t => {
  const path = await makePath(t)
  const vault = openSqliteVault({ path, now })
  t.after(() => vault.close())
  const id = newId()
  await vault.insert(id, buildRecord(now()))
  const other = new DatabaseSync(path)
  t.after(() => other.close())
  other.exec('BEGIN IMMEDIATE')
  let turns = 0
  const timer = setInterval(() => turns++, 5)
  t.after(() => clearInterval(timer))
  await assert.rejects(vault.insert(newId(), buildRecord(now())), isUnavailable('SQLite 5'))
  assert.ok(turns > 20, 'the event loop stood still')
  assert.ok(await vault.read(id))
  const waiting = vault.take('key', now() + MINUTE)
  other.exec('COMMIT')
  assert.equal(await waiting, true)
})

test('[V3] damage in the file costs the records it hits, and no others', async t => {
  const path = await makePath(t)
  const ids = Array.from({ length: 60 }, newId)
  const vault = openSqliteVault({ path, now })
  for (const [i, id] of ids.entries()) {
    await vault.insert(id, buildRecord(now(), { value: Buffer.alloc(2_800, `record ${i} `) }))
  }
  await vault.close()
  const bytes = await readFile(path)
  const page = Math.floor(bytes.indexOf('record 30 ') / PAGE_BYTES)
  bytes.fill(0xff, page * PAGE_BYTES, page * PAGE_BYTES + 64)
  await writeFile(path, bytes)

  const damaged = openSqliteVault({ path, now })
  t.after(() => damaged.close())
  let lost = 0
  for (const [i, id] of ids.entries()) {
    try {
      const record = await damaged.read(id)
      assert.ok(
        Buffer.from(record?.value ?? [])
          .toString('latin1')
          .startsWith(`record ${i} `),
      )
    } catch (error) {
      isUnavailable('SQLite 11')(error)
      lost++
    }
  }
  assert.ok(lost >= 1 && lost <= 6, `${lost} lost`)
})

test('[F13] a lease from before the machine was started holds nobody up', async t => {
  const path = await makePath(t)
  let steady = 1e9
  const vault = openSqliteVault({ path, now, steady: () => steady })
  t.after(() => vault.close())
  const id = newId()
  assert.equal(await vault.lease(id, 'one', MINUTE), true)
  steady -= MINUTE / 2
  assert.equal(await vault.lease(id, 'two', MINUTE), false)
  steady = 5_000
  assert.equal(await vault.lease(id, 'two', MINUTE), true)
  assert.equal(await vault.lease(id, 'one', MINUTE), false)
})

test('[V8, V2] a record that is removed or swept leaves no index entry behind', async t => {
  const path = await makePath(t)
  let at = now()
  const vault = openSqliteVault({ path, now: () => at })
  t.after(() => vault.close())
  const db = new DatabaseSync(path)
  t.after(() => db.close())
  const entries = () => db.prepare('SELECT count(*) AS n FROM record_index').get()?.n
  const ids = Array.from({ length: 50 }, newId)
  for (const id of ids) await vault.insert(id, buildRecord(at, { indexes: ['all', `own-${id}`] }))
  assert.equal(entries(), 100)
  for (const id of ids.slice(0, 10)) await vault.remove(id)
  assert.equal(entries(), 80)
  at += 11 * MINUTE
  await vault.insert(ids[10] as string, buildRecord(at, { indexes: ['again'] }))
  assert.equal(entries(), 79)
  assert.equal(await vault.sweep(), 39)
  assert.equal(entries(), 1)
})

test('[V1] nothing of a removed value stays in the files of the vault', async t => {
  const path = await makePath(t)
  const vault = openSqliteVault({ path, now })
  const value = Buffer.from('sealed bytes only')
  const id = newId()
  await vault.insert(id, buildRecord(now(), { value }))
  await vault.remove(id)
  await vault.close()
  assert.equal((await readFile(path)).includes(value), false)
})

test('[V7] eight processes that start at once on a new path all open it', async t => {
  const path = await makePath(t)
  const writers = Array.from({ length: 8 }, () => startWriter(t, path))
  const counts = await Promise.all(writers.map(writer => collect(writer, 3)))
  assert.ok(counts.every(ids => ids.length >= 3))
})

test('[V4, V7] four processes write to one file, and nothing acknowledged is lost', async t => {
  const path = await makePath(t)
  const writers = Array.from({ length: 4 }, () => startWriter(t, path))
  const acknowledged = (await Promise.all(writers.map(writer => collect(writer, 50)))).flat()
  await Promise.all(writers.map(end))
  const vault = openSqliteVault({ path, now })
  t.after(() => vault.close())
  for (const id of acknowledged) assert.ok(await vault.read(id), 'an acknowledged record is lost')
})

test('[V4] kill -9 during writes loses nothing that was acknowledged', async t => {
  const path = await makePath(t)
  for (let round = 0; round < 10; round++) {
    const writer = startWriter(t, path)
    const acknowledged = await collect(writer, 5 + ((round * 7) % 40))
    await end(writer)
    const vault = openSqliteVault({ path, now })
    for (const id of acknowledged) {
      assert.equal((await vault.read(id))?.generation, 2, `lost in round ${round}`)
    }
    await vault.close()
    const db = new DatabaseSync(path)
    assert.equal(db.prepare('PRAGMA integrity_check').get()?.integrity_check, 'ok')
    db.close()
  }
})

function startWriter(t: TestContext, path: string): ChildProcess {
  const program = fileURLToPath(new URL('./writer.ts', import.meta.url))
  const writer = fork(program, [path], { stdio: 'inherit' })
  t.after(() => writer.kill('SIGKILL'))
  return writer
}

/** The ids that a writer has acknowledged, once there are so many. */
async function collect(writer: ChildProcess, count: number): Promise<string[]> {
  const ids: string[] = []
  const { promise, resolve, reject } = Promise.withResolvers<string[]>()
  writer.on('message', id => {
    ids.push(String(id))
    if (ids.length === count) resolve(ids)
  })
  writer.on('exit', code => reject(new Error(`the writer ended with ${code}`)))
  return await promise
}

async function end(writer: ChildProcess): Promise<void> {
  writer.kill('SIGKILL')
  await once(writer, 'exit')
}
