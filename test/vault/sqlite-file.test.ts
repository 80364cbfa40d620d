// What the SQLite vault demands of its file before it starts, and that it changes nothing it refuses.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmod, chown, mkdir, readFile, stat, symlink, truncate, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type TestContext, test } from 'node:test'
import { VaultRefusal } from '../../src/vault/refusal.ts'
import { openSqliteVault } from '../../src/vault/sqlite.ts'
import { openDatabase } from '../../src/vault/sqlite-schema.ts'
import { makePath } from './paths.ts'
import { buildRecord, newId } from './records.ts'

const now = Date.now
const open = (path: string) => openSqliteVault({ path, now })

async function makeVault(t: TestContext): Promise<string> {
  const path = await makePath(t)
  await open(path).close()
  return path
}

function refuses(path: string, message: RegExp): void {
  assert.throws(
    () => open(path),
    error => {
      assert.ok(error instanceof VaultRefusal)
      assert.match(error.message, message)
      return true
    },
  )
}

test('[V6] the file and what lies beside it are for their owner alone', async t => {
  const path = await makePath(t)
  const vault = open(path)
  await vault.insert(newId(), buildRecord(now()))
  for (const file of [path, `${path}-wal`, `${path}-shm`]) {
    assert.equal((await stat(file)).mode & 0o777, 0o600)
  }
  assert.equal((await stat(dirname(path))).mode & 0o777, 0o700)
  await vault.close()
})

test('[V6] a file that others can read or write is refused', async t => {
  const path = await makeVault(t)
  for (const mode of [0o644, 0o640, 0o620, 0o606]) {
    await chmod(path, mode)
    refuses(path, /can be read by others; chmod 600/)
    assert.equal((await stat(path)).mode & 0o777, mode)
  }
})

test('[V6] a symbolic link and what is no file are refused', async t => {
  const path = await makeVault(t)
  await symlink(path, `${path}.link`)
  refuses(`${path}.link`, /is a symbolic link/)
  refuses(dirname(path), /cannot be opened \(EISDIR\)/)
  const pipe = `${path}.pipe`
  execFileSync('mkfifo', ['-m', '644', pipe])
  refuses(pipe, /is not a file/)
  assert.equal((await stat(pipe)).mode & 0o777, 0o644)
})

test('[V6] a folder that anybody can write is refused, and a path that cannot be made', async t => {
  const path = await makeVault(t)
  await chmod(dirname(path), 0o777)
  refuses(path, /can be written by anybody/)
  await chmod(dirname(path), 0o700)
  await writeFile(join(dirname(path), 'file'), '')
  refuses(join(dirname(path), 'file', 'vault.db'), /cannot be opened \(E/)
})

test('[V6] a file or a folder of another user is refused', async t => {
  if (process.getuid?.() !== 0) return t.skip('only root can give files away')
  const path = await makeVault(t)
  await chown(path, 12_345, 12_345)
  refuses(path, /belongs to another user/)
  await chown(path, 0, 0)
  await chown(dirname(path), 12_345, 12_345)
  refuses(path, /folder .* belongs to another user/)
})

test('[V10] a damaged file, a text or another program is refused and left as it is', async t => {
  const path = await makeVault(t)
  const text = join(dirname(path), 'notes.txt')
  const notes = 'the notes of a nurse, which are no database'.repeat(99)
  await writeFile(text, notes, { mode: 0o600 })
  refuses(text, /is damaged or no SQLite database; it was left as it is/)
  assert.equal(await readFile(text, 'utf8'), notes)

  await truncate(path, 10_000)
  refuses(path, /is damaged or no SQLite database/)
  assert.equal((await stat(path)).size, 10_000)

  const foreign = join(dirname(path), 'foreign.db')
  const db = new DatabaseSync(foreign)
  db.exec('CREATE TABLE patient(name TEXT); INSERT INTO patient VALUES (1)')
  db.close()
  await chmod(foreign, 0o600)
  refuses(foreign, /belongs to another program/)
})

test('a vault of a newer program is refused and left as it is', async t => {
  const path = await makeVault(t)
  const db = new DatabaseSync(path)
  db.exec('PRAGMA user_version = 99')
  db.close()
  refuses(path, /has schema 99; this program knows 1/)
})

test('[V7] a vault that another process holds for too long is refused, and whose fault it is told', async t => {
  const path = await makeVault(t)
  const other = new DatabaseSync(path)
  t.after(() => other.close())
  other.exec('BEGIN IMMEDIATE')
  assert.throws(() => openDatabase(path, 1e6, 20), /vault\.db is held by another process/)
  other.exec('ROLLBACK')
  openDatabase(path, 1e6, 20).close()
})

test('a path means a file, whatever it looks like', async t => {
  const path = await makePath(t)
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  const odd = join(dirname(path), 'file:vault.db?mode=memory')
  const vault = open(odd)
  await vault.insert(newId(), buildRecord(now()))
  await vault.close()
  assert.ok((await stat(odd)).size > 0)
})
