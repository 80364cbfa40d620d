// The vault in one SQLite file, shared by the processes of one machine. New sessions, new tokens and
// taken states are on the disk when their call resolves; heads come from a cache that
// `PRAGMA data_version` keeps coherent with every other process. The clocks are passed in.

import { resolve } from 'node:path'
import { hrtime } from 'node:process'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { createHeadCache } from './head-cache.ts'
import { verifyKeyMarks } from './key-marks.ts'
import { prepareFile } from './sqlite-file.ts'
import { openDatabase } from './sqlite-schema.ts'
import { prepareStatements } from './sqlite-statements.ts'
import { createSqliteWriter } from './sqlite-writer.ts'
import type { Head, Vault } from './vault.ts'

export interface SqliteVaultOptions {
  path: string
  now: () => number
  /**
   * Milliseconds since the machine started, by which leases are counted: the same for its processes,
   * and set by nobody.
   */
  steady?: () => number
  /** The file grows to this size at most; then new sessions are refused until old ones are swept. */
  maxBytes?: number
}

const MAX_BYTES = 4 * 1024 ** 3
/** Milliseconds at a time, so that requests come in between. */
const SWEEP_BATCH = 20
const SWEEP_BATCHES = 100

/** Opens the vault; throws VaultRefusal when the file cannot be ours. */
export function openSqliteVault(options: SqliteVaultOptions): Vault {
  const { now, steady = readMachineClock, maxBytes = MAX_BYTES } = options
  const path = resolve(options.path)
  prepareFile(path)
  const db = openDatabase(path, maxBytes)
  const sql = prepareStatements(db)
  const { durably, lightly, attempt } = createSqliteWriter(db)
  const heads = createHeadCache()
  let version = 0
  let isVersionRead = false
  const forgetVersion = () => {
    isVersionRead = false
  }

  return {
    now,
    async insert(id, { keyId, value, lastUsedAt, expiresAt, endsAt, indexes }) {
      await durably(() => {
        dropFromIndex(sql.removeExpired.all(id, now()))
        const entries = indexes.join(' ')
        const times = [lastUsedAt, expiresAt, endsAt] as const
        const { lastInsertRowid } = sql.insert.run(id, ...times, keyId, entries, value)
        for (const entry of indexes) sql.insertIndex.run(entry, lastInsertRowid)
      })
    },
    head(id) {
      try {
        return readHead(id)
      } catch {
        // Busy, perhaps: whatever else it is fails again.
        return attempt(() => readHead(id))
      }
    },
    async read(id) {
      const row = await attempt(() => sql.read.get(id, now()))
      return row && { keyId: String(row.key_id), value: row.value as Uint8Array, ...toHead(row) }
    },
    async replace(id, generation, { keyId, value, expiresAt }) {
      return await durably(() => {
        heads.expire(id)
        return sql.replace.run(keyId, value, expiresAt, id, generation, now()).changes === 1
      })
    },
    async touch(id, lastUsedAt, expiresAt) {
      return await attempt(() => {
        heads.expire(id)
        return sql.touch.run(lastUsedAt, expiresAt, id, now()).changes === 1
      })
    },
    async remove(id, generation, onRemoved) {
      const isDone = await durably(() => {
        heads.expire(id)
        const removed = sql.remove.all(id, generation ?? null)
        dropFromIndex(removed)
        return isAhead(removed[0]?.expires_at)
      })
      if (isDone) onRemoved?.()
      return isDone
    },
    isGone: async id => (await attempt(() => sql.read.get(id, now()))) === undefined,
    async find(entry) {
      const rows = await attempt(() => sql.find.all(entry, now()))
      return rows.map(row => ({ id: String(row.id), ...toHead(row) }))
    },
    async entries(id) {
      const row = await attempt(() => sql.entries.get(id, now()))
      return row && String(row.entries).split(' ').filter(Boolean)
    },
    async take(key, expiresAt) {
      return await durably(() => sql.take.run(key, expiresAt, now()).changes === 1)
    },
    async isTaken(key) {
      return (await attempt(() => sql.isTaken.get(key, now()))) !== undefined
    },
    async deposit(key, value, expiresAt) {
      await durably(() => sql.deposit.run(key, value, expiresAt))
    },
    async withdraw(key) {
      const row = await durably(() => sql.withdraw.get(key))
      return row && isAhead(row.expires_at) ? String(row.value) : undefined
    },
    async lease(id, owner, forMs) {
      return await attempt(() => sql.lease.run(id, owner, steady(), forMs).changes === 1)
    },
    async release(id, owner) {
      await attempt(() => sql.release.run(id, owner))
    },
    async sweep() {
      let swept = 0
      for (let batch = 0; batch < SWEEP_BATCHES; batch++) {
        const changes = await lightly(sweepBatch)
        swept += changes
        if (changes === 0) break
        await nextTurn()
      }
      return swept
    },
    async verifyKeys(marks) {
      await durably(() => {
        const rows = sql.keyMarks.all()
        const stored = rows.map(({ key_id, mark }) => [String(key_id), String(mark)] as const)
        verifyKeyMarks(new Map(stored), marks)
        sql.forgetKeys.run()
        for (const [keyId, mark] of marks) sql.noteKey.run(keyId, mark)
      })
    },
    async size() {
      return { bytes: Number((await attempt(() => sql.size.get()))?.bytes), maxBytes }
    },
    async ping() {
      await attempt(() => sql.keyMarks.all())
    },
    async close() {
      db.close()
    },
  }

  function readHead(id: string): Head | undefined {
    if (!isVersionRead) readVersion()
    const cached = heads.get(id)
    if (cached) return isAhead(cached.expiresAt) ? cached : undefined
    const row = sql.head.get(id, now())
    return row && heads.refresh(id, toHead(row))
  }

  // Another process's commit moves the version; what it did not touch is read again and found equal.
  // Once a turn of the event loop: a request that is handled in this turn was on its way before any
  // commit that this turn could miss.
  function readVersion(): void {
    const current = Number(sql.version.get()?.data_version)
    isVersionRead = true
    setImmediate(forgetVersion)
    if (current === version) return
    version = current
    heads.expire()
  }

  function sweepBatch(): number {
    const at = now()
    const removed = sql.sweepRecords.all(at, SWEEP_BATCH)
    // The clock may be set back, and a head that was kept be ahead of it again.
    for (const { id } of removed) heads.expire(String(id))
    dropFromIndex(removed)
    const leases = Number(sql.sweepLeases.run(steady(), SWEEP_BATCH).changes)
    return sql.sweeps.reduce(
      (sum, sweep) => sum + Number(sweep.run(at, SWEEP_BATCH).changes),
      removed.length + leases,
    )
  }

  // By what the record itself says: an index from records to entries would double the writes.
  function dropFromIndex(removed: readonly Record<string, unknown>[]): void {
    for (const { no, entries } of removed) {
      for (const entry of String(entries).split(' ')) sql.removeIndex.run(entry, Number(no))
    }
  }

  function isAhead(time: unknown): boolean {
    return time !== undefined && Number(time) > now()
  }
}

function readMachineClock(): number {
  return Number(hrtime.bigint() / 1_000_000n)
}

function toHead(row: Record<string, unknown>): Head {
  return {
    generation: Number(row.generation),
    lastUsedAt: Number(row.last_used_at),
    expiresAt: Number(row.expires_at),
  }
}
