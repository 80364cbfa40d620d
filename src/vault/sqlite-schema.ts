// The SQLite file: its tables, its settings, and what makes it ours. A file of another schema, another
// program or with wrong permissions is refused, never changed, never replaced (attacks V6).

import { closeSync, constants, fchmodSync, fstatSync, mkdirSync, openSync } from 'node:fs'
import { userInfo } from 'node:os'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { VaultRefusal } from './refusal.ts'

/** 'fhst' in ASCII. */
const APPLICATION_ID = 0x66687374
const SCHEMA_VERSION = 1

const SCHEMA = `
  CREATE TABLE record(
    id TEXT PRIMARY KEY NOT NULL, generation INTEGER NOT NULL, last_used_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL, key_id TEXT NOT NULL, value BLOB NOT NULL) STRICT;
  CREATE INDEX record_expiry ON record(expires_at);
  CREATE TABLE record_index(
    entry TEXT NOT NULL, id TEXT NOT NULL REFERENCES record(id) ON DELETE CASCADE,
    PRIMARY KEY(entry, id)) WITHOUT ROWID, STRICT;
  CREATE INDEX record_index_id ON record_index(id);
  CREATE TABLE taken(key TEXT PRIMARY KEY NOT NULL, expires_at INTEGER NOT NULL) WITHOUT ROWID, STRICT;
  CREATE INDEX taken_expiry ON taken(expires_at);
  CREATE TABLE deposit(
    key TEXT PRIMARY KEY NOT NULL, value TEXT NOT NULL, expires_at INTEGER NOT NULL) STRICT;
  CREATE INDEX deposit_expiry ON deposit(expires_at);
  CREATE TABLE lease(
    id TEXT PRIMARY KEY NOT NULL, owner TEXT NOT NULL, until INTEGER NOT NULL) WITHOUT ROWID, STRICT;
  CREATE TABLE key_check(key_id TEXT PRIMARY KEY NOT NULL, mark TEXT NOT NULL) WITHOUT ROWID, STRICT;
  PRAGMA application_id = ${APPLICATION_ID};
  PRAGMA user_version = ${SCHEMA_VERSION};`

/** Opens or creates the file; throws an Error for the operator when it cannot be ours. */
export function openDatabase(path: string): DatabaseSync {
  prepareFile(path)
  try {
    const db = new DatabaseSync(path, { timeout: 2000, enableForeignKeyConstraints: true })
    try {
      configure(db)
      prepareSchema(db)
    } catch (error) {
      db.close()
      throw error
    }
    return db
  } catch (error) {
    if (error instanceof VaultRefusal) throw error
    throw new VaultRefusal(`the vault ${path} cannot be opened (${reasonOf(error)})`)
  }
}

// O_NOFOLLOW and the checks on the open file leave no moment in which the path could be changed.
function prepareFile(path: string): void {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    const flags = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW
    const file = openSync(path, flags, 0o600)
    try {
      const { mode, size, uid } = fstatSync(file)
      if (uid !== userInfo().uid) throw refuseFile(path, 'belongs to another user')
      if (size === 0) fchmodSync(file, 0o600)
      else if ((mode & 0o077) !== 0) throw refuseFile(path, 'can be read by others; chmod 600')
    } finally {
      closeSync(file)
    }
  } catch (error) {
    if (error instanceof VaultRefusal) throw error
    throw refuseFile(path, `cannot be opened (${reasonOf(error)})`)
  }
}

function configure(db: DatabaseSync): void {
  db.exec(`
    PRAGMA trusted_schema = OFF;
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = NORMAL;
    PRAGMA wal_autocheckpoint = 1000;
    PRAGMA journal_size_limit = 16777216;
    PRAGMA secure_delete = ON;
    PRAGMA temp_store = MEMORY;
    PRAGMA busy_timeout = 2000;`)
}

function prepareSchema(db: DatabaseSync): void {
  db.exec('BEGIN IMMEDIATE')
  try {
    const version = readPragma(db, 'user_version')
    if (version === 0 && isEmpty(db)) db.exec(SCHEMA)
    else if (readPragma(db, 'application_id') !== APPLICATION_ID) {
      throw new VaultRefusal('the vault file belongs to another program')
    } else if (version !== SCHEMA_VERSION) {
      throw new VaultRefusal(
        `the vault file has schema ${version}; this program knows ${SCHEMA_VERSION}`,
      )
    }
    db.exec('COMMIT')
  } catch (error) {
    db.exec('ROLLBACK')
    throw error
  }
}

function isEmpty(db: DatabaseSync): boolean {
  return db.prepare('SELECT count(*) AS n FROM sqlite_schema').get()?.n === 0
}

function readPragma(db: DatabaseSync, name: string): number {
  return Number(db.prepare(`PRAGMA ${name}`).get()?.[name])
}

function refuseFile(path: string, why: string): VaultRefusal {
  return new VaultRefusal(`the vault ${path} ${why}`)
}

function reasonOf(error: unknown): string {
  const { code, errcode } = error as { code?: unknown; errcode?: unknown }
  return typeof errcode === 'number' ? `SQLite ${errcode}` : String(code ?? 'unknown reason')
}
