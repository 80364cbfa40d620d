// Every statement of the SQLite vault, prepared once. Each is one step of the contract; expired rows
// never match.

import type { DatabaseSync } from 'node:sqlite'

/** Prepares the statements for one open database. */
export function prepareStatements(db: DatabaseSync) {
  return {
    version: db.prepare('PRAGMA data_version'),
    size: db.prepare(
      `SELECT (page_count - freelist_count) * page_size AS bytes
       FROM pragma_page_count, pragma_freelist_count, pragma_page_size`,
    ),
    insert: db.prepare(
      `INSERT INTO record(id, generation, last_used_at, expires_at, ends_at, key_id, entries, value)
       VALUES (?1, 1, ?2, min(?3, ?4), ?4, ?5, ?6, ?7)`,
    ),
    insertIndex: db.prepare('INSERT OR IGNORE INTO record_index(entry, no) VALUES (?, ?)'),
    removeIndex: db.prepare('DELETE FROM record_index WHERE entry = ? AND no = ?'),
    head: db.prepare(
      'SELECT generation, last_used_at, expires_at FROM record WHERE id = ? AND expires_at > ?',
    ),
    read: db.prepare(
      `SELECT generation, last_used_at, expires_at, key_id, value
       FROM record WHERE id = ? AND expires_at > ?`,
    ),
    entries: db.prepare('SELECT entries FROM record WHERE id = ? AND expires_at > ?'),
    replace: db.prepare(
      `UPDATE record SET key_id = ?, value = ?, expires_at = min(?, ends_at), generation = generation + 1
       WHERE id = ? AND generation = ? AND expires_at > ?`,
    ),
    touch: db.prepare(
      `UPDATE record SET last_used_at = ?, expires_at = min(?, ends_at)
       WHERE id = ? AND expires_at > ?`,
    ),
    remove: db.prepare(
      `DELETE FROM record WHERE id = ?1 AND (?2 IS NULL OR generation = ?2)
       RETURNING no, entries, expires_at`,
    ),
    removeExpired: db.prepare(
      'DELETE FROM record WHERE id = ? AND expires_at <= ? RETURNING no, entries',
    ),
    find: db.prepare(
      `SELECT id, generation, last_used_at, expires_at
       FROM record_index JOIN record USING (no)
       WHERE entry = ? AND expires_at > ?`,
    ),
    take: db.prepare(
      `INSERT INTO taken(key, expires_at) VALUES (?1, ?2)
       ON CONFLICT(key) DO UPDATE SET expires_at = ?2 WHERE expires_at <= ?3`,
    ),
    isTaken: db.prepare('SELECT 1 FROM taken WHERE key = ? AND expires_at > ?'),
    deposit: db.prepare('INSERT OR REPLACE INTO deposit(key, value, expires_at) VALUES (?, ?, ?)'),
    withdraw: db.prepare('DELETE FROM deposit WHERE key = ? RETURNING value, expires_at'),
    // One that lies further ahead than any is asked for is from before the machine started.
    lease: db.prepare(
      `INSERT INTO lease(id, owner, until) VALUES (?1, ?2, ?3 + ?4)
       ON CONFLICT(id) DO UPDATE SET owner = ?2, until = ?3 + ?4
       WHERE owner = ?2 OR until <= ?3 OR until > ?3 + 2 * ?4`,
    ),
    release: db.prepare('DELETE FROM lease WHERE id = ? AND owner = ?'),
    keyMarks: db.prepare('SELECT key_id, mark FROM key_mark'),
    forgetKeys: db.prepare('DELETE FROM key_mark'),
    noteKey: db.prepare('INSERT INTO key_mark(key_id, mark) VALUES (?, ?)'),
    sweepRecords: db.prepare(
      `DELETE FROM record WHERE no IN
       (SELECT no FROM record WHERE expires_at <= ? ORDER BY expires_at LIMIT ?)
       RETURNING id, no, entries`,
    ),
    sweeps: [
      db.prepare(
        'DELETE FROM taken WHERE key IN (SELECT key FROM taken WHERE expires_at <= ? LIMIT ?)',
      ),
      db.prepare(
        'DELETE FROM deposit WHERE key IN (SELECT key FROM deposit WHERE expires_at <= ? LIMIT ?)',
      ),
    ],
    sweepLeases: db.prepare(
      'DELETE FROM lease WHERE id IN (SELECT id FROM lease WHERE until <= ? LIMIT ?)',
    ),
  }
}
