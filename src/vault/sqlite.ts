// The vault in one SQLite file, shared by the processes of one machine. New sessions, new tokens and
// taken states are on the disk when their call resolves; heads come from a cache that
// `PRAGMA data_version` keeps coherent with every other process. The clock is passed in.

import type { DatabaseSync } from 'node:sqlite'
import { setTimeout as wait } from 'node:timers/promises'
import { BrokerError } from '../errors.ts'
import { createHeadCache } from './head-cache.ts'
import { openDatabase } from './sqlite-schema.ts'
import { prepareStatements } from './sqlite-statements.ts'
import type { Head, Vault } from './vault.ts'

export interface SqliteVaultOptions {
  path: string
  now: () => number
}

/** A busy file is tried again for this long before the vault counts as unavailable. */
const BUSY_MS = 2_000
const SWEEP_BATCH = 50
const SQLITE_BUSY = 5
const SQLITE_CONSTRAINT = 19

/** Opens the vault; throws VaultRefusal when the file cannot be ours. */
export function openSqliteVault({ path, now }: SqliteVaultOptions): Vault & { db: DatabaseSync } {
  const db = openDatabase(path)
  const sql = prepareStatements(db)
  // Busy waits are ours, on a timer: SQLite's own would stop the event loop.
  db.exec('PRAGMA busy_timeout = 0')
  const heads = createHeadCache()
  let version = 0

  return {
    db,
    async insert(id, { keyId, value, lastUsedAt, expiresAt, indexes }) {
      await durably(() => {
        sql.removeExpired.run(id, now())
        sql.insert.run(id, lastUsedAt, expiresAt, keyId, value)
        for (const entry of indexes) sql.insertIndex.run(entry, id)
      })
      heads.set(id, { generation: 1, lastUsedAt, expiresAt })
    },
    head(id) {
      try {
        return readHead(id)
      } catch (error) {
        if (!isBusy(error)) throw unavailable(error)
        return attempt(() => readHead(id))
      }
    },
    async read(id) {
      const row = await attempt(() => sql.read.get(id, now()))
      return (
        row && {
          keyId: String(row.key_id),
          value: row.value as Uint8Array,
          generation: Number(row.generation),
          lastUsedAt: Number(row.last_used_at),
          expiresAt: Number(row.expires_at),
        }
      )
    },
    async replace(id, generation, { keyId, value, expiresAt }) {
      const changes = await durably(
        () => sql.replace.run(keyId, value, expiresAt, id, generation, now()).changes,
      )
      heads.delete(id)
      return changes === 1
    },
    async touch(id, lastUsedAt, expiresAt) {
      const changes = await attempt(() => sql.touch.run(lastUsedAt, expiresAt, id, now()).changes)
      heads.delete(id)
      return changes === 1
    },
    async remove(id) {
      const changes = await durably(() => sql.remove.run(id).changes)
      heads.delete(id)
      return changes === 1
    },
    async find(entry) {
      const rows = await attempt(() => sql.find.all(entry, now()))
      return rows.map(row => ({ id: String(row.id), ...toHead(row) }))
    },
    async take(key, expiresAt) {
      const changes = await durably(() => sql.take.run(key, expiresAt, now()).changes)
      return changes === 1
    },
    async deposit(key, value, expiresAt) {
      await durably(() => sql.deposit.run(key, value, expiresAt))
    },
    async withdraw(key) {
      const row = await durably(() => sql.withdraw.get(key))
      return row && Number(row.expires_at) > now() ? String(row.value) : undefined
    },
    async lease(id, owner, until) {
      const changes = await attempt(() => sql.lease.run(id, owner, until, now()).changes)
      return changes === 1
    },
    async release(id, owner) {
      await attempt(() => sql.release.run(id, owner))
    },
    async sweep() {
      const at = now()
      return await attempt(() => {
        const { changes } = sql.sweepRecords.run(at, SWEEP_BATCH)
        for (const statement of [sql.sweepTaken, sql.sweepDeposits, sql.sweepLeases]) {
          statement.run(at, SWEEP_BATCH)
        }
        return Number(changes)
      })
    },
    async keyMarks() {
      const rows = await attempt(() => sql.keyMarks.all())
      return new Map(rows.map(({ key_id, mark }) => [String(key_id), String(mark)]))
    },
    async markKey(keyId, mark) {
      await durably(() => sql.markKey.run(keyId, mark))
    },
    async ping() {
      await attempt(() => sql.version.get())
    },
    async close() {
      db.close()
    },
  }

  // Another process's commit moves the version; its row is then read again, nothing else.
  function readHead(id: string): Head | undefined {
    const current = Number(sql.version.get()?.data_version)
    if (current !== version) {
      version = current
      heads.expire()
    }
    const cached = heads.get(id)
    if (cached) return cached.expiresAt > now() ? cached : undefined
    const row = sql.head.get(id, now())
    return row && heads.refresh(id, toHead(row))
  }

  /** Runs a write so that it is on the disk when this resolves. */
  async function durably<T>(write: () => T): Promise<T> {
    return await attempt(() => {
      sql.full.run()
      try {
        db.exec('BEGIN IMMEDIATE')
        try {
          const result = write()
          db.exec('COMMIT')
          return result
        } catch (error) {
          if (db.isTransaction) db.exec('ROLLBACK')
          throw error
        }
      } finally {
        sql.normal.run()
      }
    })
  }

  async function attempt<T>(run: () => T): Promise<T> {
    const giveUpAt = performance.now() + BUSY_MS
    for (;;) {
      try {
        return run()
      } catch (error) {
        if (!isBusy(error) || performance.now() > giveUpAt) throw unavailable(error)
        await wait(1 + Math.random() * 4)
      }
    }
  }
}

function toHead(row: Record<string, unknown>): Head {
  return {
    generation: Number(row.generation),
    lastUsedAt: Number(row.last_used_at),
    expiresAt: Number(row.expires_at),
  }
}

function isBusy(error: unknown): boolean {
  return ((error as { errcode?: number }).errcode ?? 0) % 256 === SQLITE_BUSY
}

function unavailable(error: unknown): BrokerError {
  const { errcode = 0 } = error as { errcode?: number }
  const detail =
    errcode % 256 === SQLITE_CONSTRAINT ? 'the id is in use' : `SQLite ${errcode || 'failed'}`
  return new BrokerError('vault_unavailable', { detail, cause: error })
}
