// The SQLite database: its tables, its settings, and what makes it ours. Another program's file, a
// damaged one or one of another schema is refused, never changed, never replaced.

import { DatabaseSync } from 'node:sqlite'
import { VaultRefusal } from './refusal.ts'

/** 'fhst' in ASCII. */
const APPLICATION_ID = 0x66687374
const SCHEMA_VERSION = 1
/** Larger pages waste less space on sessions, but every index entry written would cost as much more. */
const PAGE_BYTES = 4_096
const WAL_BYTES = 4 * 1024 * 1024
/** How long others may hold the file while we start. */
const OPEN_MS = 20_000
const SQLITE_CORRUPT = 11
const SQLITE_NOTADB = 26
const SQLITE_BUSY = 5

const SCHEMA = `
  CREATE TABLE record(
    no INTEGER PRIMARY KEY, id TEXT UNIQUE NOT NULL, generation INTEGER NOT NULL,
    last_used_at INTEGER NOT NULL, expires_at INTEGER NOT NULL, ends_at INTEGER NOT NULL,
    key_id TEXT NOT NULL, entries TEXT NOT NULL, value BLOB NOT NULL) STRICT;
  CREATE INDEX record_expiry ON record(expires_at);
  CREATE TABLE record_index(
    entry TEXT NOT NULL, no INTEGER NOT NULL, PRIMARY KEY(entry, no)) WITHOUT ROWID, STRICT;
  CREATE TABLE taken(key TEXT PRIMARY KEY NOT NULL, expires_at INTEGER NOT NULL) WITHOUT ROWID, STRICT;
  CREATE INDEX taken_expiry ON taken(expires_at);
  CREATE TABLE deposit(
    key TEXT PRIMARY KEY NOT NULL, value TEXT NOT NULL, expires_at INTEGER NOT NULL) STRICT;
  CREATE INDEX deposit_expiry ON deposit(expires_at);
  CREATE TABLE lease(
    id TEXT PRIMARY KEY NOT NULL, owner TEXT NOT NULL, until INTEGER NOT NULL) WITHOUT ROWID, STRICT;
  CREATE INDEX lease_expiry ON lease(until);
  CREATE TABLE key_mark(key_id TEXT PRIMARY KEY NOT NULL, mark TEXT NOT NULL) WITHOUT ROWID, STRICT;
  PRAGMA application_id = ${APPLICATION_ID};
  PRAGMA user_version = ${SCHEMA_VERSION};`

/** Opens the database in a prepared file; throws VaultRefusal when it cannot be ours. */
export function openDatabase(path: string, maxBytes: number, patienceMs = OPEN_MS): DatabaseSync {
  let db: DatabaseSync | undefined
  try {
    // Waiting is right here, where several processes start at once; afterwards nobody waits.
    db = new DatabaseSync(path, { timeout: patienceMs })
    configure(db, maxBytes)
    prepareSchema(db, path)
    db.exec('PRAGMA busy_timeout = 0')
    return db
  } catch (error) {
    db?.close()
    throw error instanceof VaultRefusal
      ? error
      : new VaultRefusal(`the vault ${path} ${why(error)}`)
  }
}

function configure(db: DatabaseSync, maxBytes: number): void {
  db.exec(`
    PRAGMA trusted_schema = OFF;
    PRAGMA page_size = ${PAGE_BYTES};
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = NORMAL;
    PRAGMA wal_autocheckpoint = ${WAL_BYTES / PAGE_BYTES};
    PRAGMA journal_size_limit = ${4 * WAL_BYTES};
    PRAGMA max_page_count = ${Math.floor(maxBytes / PAGE_BYTES)};
    PRAGMA secure_delete = ON;
    PRAGMA temp_store = MEMORY;`)
}

function prepareSchema(db: DatabaseSync, path: string): void {
  db.exec('BEGIN IMMEDIATE')
  try {
    const version = readPragma(db, 'user_version')
    if (version === 0 && isEmpty(db)) db.exec(SCHEMA)
    else if (readPragma(db, 'application_id') !== APPLICATION_ID) {
      throw new VaultRefusal(`the vault ${path} belongs to another program`)
    } else if (version !== SCHEMA_VERSION) {
      throw new VaultRefusal(
        `the vault ${path} has schema ${version}; this program knows ${SCHEMA_VERSION}`,
      )
    }
    db.exec('COMMIT')
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK')
    throw error
  }
}

function isEmpty(db: DatabaseSync): boolean {
  return db.prepare('SELECT count(*) AS n FROM sqlite_schema').get()?.n === 0
}

function readPragma(db: DatabaseSync, name: string): number {
  return Number(db.prepare(`PRAGMA ${name}`).get()?.[name])
}

function why(error: unknown): string {
  const { errcode, code } = error as { errcode?: unknown; code?: unknown }
  if (errcode === SQLITE_NOTADB || errcode === SQLITE_CORRUPT) {
    return 'is damaged or no SQLite database; it was left as it is'
  }
  if (errcode === SQLITE_BUSY) return 'is held by another process'
  return `cannot be opened (${typeof errcode === 'number' ? `SQLite ${errcode}` : String(code)})`
}
