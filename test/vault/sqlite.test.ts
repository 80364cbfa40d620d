// The contract, kept in a SQLite file, and what is particular to files: who may read them, what is not
// ours, a full disk, several processes, kill -9.

import assert from 'node:assert/strict'
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { BrokerError } from '../../src/errors.ts'
import { openSqliteVault } from '../../src/vault/sqlite.ts'
import { buildRecord, newId, testContract } from './contract.ts'

const now = Date.now

async function makePath(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'fhirstorm-vault-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  return join(folder, 'data', 'vault.db')
}

testContract({
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
})

test('[V6] the file is for its owner alone, and is refused when others can read it', async t => {
  const path = await makePath(t)
  openSqliteVault({ path, now }).close()
  assert.equal((await stat(path)).mode & 0o777, 0o600)
  await chmod(path, 0o644)
  assert.throws(() => openSqliteVault({ path, now }), /can be read by others/)
})

test('[V6] a symbolic link at the path is refused', async t => {
  const path = await makePath(t)
  openSqliteVault({ path, now }).close()
  await symlink(path, `${path}.link`)
  assert.throws(() => openSqliteVault({ path: `${path}.link`, now }), /cannot be opened \(ELOOP\)/)
})

test('a file of another program or of a newer schema is refused and left as it is', async t => {
  const path = await makePath(t)
  const vault = openSqliteVault({ path, now })
  vault.db.exec('PRAGMA user_version = 99')
  await vault.close()
  assert.throws(() => openSqliteVault({ path, now }), /schema 99/)

  const text = `${path}.txt`
  await writeFile(text, 'the notes of a nurse, which are no database'.repeat(99), { mode: 0o600 })
  assert.throws(() => openSqliteVault({ path: text, now }), /cannot be opened/)
  assert.match(await readFile(text, 'utf8'), /^the notes/)
})

test('a folder that cannot be written is a clear refusal', async t => {
  const path = await makePath(t)
  await writeFile(join(path, '..', '..', 'file'), '')
  const below = join(path, '..', '..', 'file', 'vault.db')
  assert.throws(() => openSqliteVault({ path: below, now }), /the vault .* cannot be opened/)
})

test('[V5] a full disk fails the write with 503, keeps reads, and recovers by itself', async t => {
  const path = await makePath(t)
  const vault = openSqliteVault({ path, now })
  t.after(() => vault.close())
  const kept = newId()
  await vault.insert(kept, buildRecord(now()))
  const { page_count } = vault.db.prepare('PRAGMA page_count').get() as { page_count: number }
  vault.db.exec(`PRAGMA max_page_count = ${page_count + 2}`)
  const fill = async () => {
    for (let i = 0; i < 50; i++) {
      await vault.insert(newId(), buildRecord(now(), { value: Buffer.alloc(4000) }))
    }
  }
  await assert.rejects(fill(), error => {
    assert.ok(error instanceof BrokerError)
    assert.equal(error.code, 'vault_unavailable')
    assert.equal(error.detail, 'SQLite 13')
    return true
  })
  assert.ok(await vault.read(kept))
  assert.ok(await vault.head(kept))
  vault.db.exec('PRAGMA max_page_count = 1000000')
  await fill()
})

test('[V1] nothing of a sealed value can be read from the files of the vault', async t => {
  const path = await makePath(t)
  const vault = openSqliteVault({ path, now })
  const value = Buffer.from('sealed bytes only')
  const id = newId()
  await vault.insert(id, buildRecord(now(), { value }))
  await vault.remove(id)
  await vault.close()
  const bytes = await readFile(path)
  assert.equal(bytes.includes(value), false)
})

test('[V4, V7] four processes write to one file: nothing is lost, nobody waits for long', async t => {
  const path = await makePath(t)
  openSqliteVault({ path, now }).close()
  const writers = Array.from({ length: 4 }, () => startWriter(path))
  const acknowledged = (await Promise.all(writers.map(writer => collect(writer, 50)))).flat()
  for (const writer of writers) writer.kill('SIGKILL')
  await Promise.all(writers.map(writer => once(writer, 'exit')))
  const vault = openSqliteVault({ path, now })
  t.after(() => vault.close())
  for (const id of acknowledged) assert.ok(await vault.read(id), 'an acknowledged record is lost')
})

test('[V4] kill -9 during writes loses nothing that was acknowledged', async t => {
  const path = await makePath(t)
  for (let round = 0; round < 10; round++) {
    const writer = startWriter(path)
    const acknowledged = await collect(writer, 5 + ((round * 7) % 40))
    writer.kill('SIGKILL')
    await once(writer, 'exit')
    const vault = openSqliteVault({ path, now })
    for (const id of acknowledged) assert.ok(await vault.read(id), `lost in round ${round}`)
    const check = vault.db.prepare('PRAGMA integrity_check').get()
    assert.deepEqual(check, Object.assign(Object.create(null), { integrity_check: 'ok' }))
    await vault.close()
  }
})

function startWriter(path: string): ChildProcess {
  return fork(fileURLToPath(new URL('./writer.ts', import.meta.url)), [path], { stdio: 'inherit' })
}

/** The ids that a writer has acknowledged, once there are so many. */
async function collect(writer: ChildProcess, count: number): Promise<string[]> {
  const ids: string[] = []
  const { promise, resolve } = Promise.withResolvers<string[]>()
  writer.on('message', id => {
    ids.push(String(id))
    if (ids.length >= count) resolve(ids)
  })
  return await promise
}
