// How the SQLite vault writes: durably or not, in one transaction, and never waiting inside SQLite for
// another process, because that would stop the event loop. Failures are BrokerError `vault_unavailable`.

import type { DatabaseSync } from 'node:sqlite'
import { setTimeout as wait } from 'node:timers/promises'
import { BrokerError } from '../errors.ts'
import { VaultRefusal } from './refusal.ts'

export interface SqliteWriter {
  /** Runs a write in one transaction, on the disk when this resolves. */
  durably<T>(write: () => T): Promise<T>
  /** The same, but the last of it may be lost when the machine (not the process) fails. */
  lightly<T>(write: () => T): Promise<T>
  /** Runs a single statement; tries again while another process holds the file. */
  attempt<T>(run: () => T): Promise<T>
}

/** A busy file is tried again for this long before the vault counts as unavailable. */
const BUSY_MS = 1_500
/** Writes that may wait for another process at one time. */
const MAX_WAITING = 1_000
const SQLITE_BUSY = 5
const SQLITE_CONSTRAINT = 19

/** Binds the ways of writing to one open database. */
export function createSqliteWriter(db: DatabaseSync): SqliteWriter {
  const begin = db.prepare('BEGIN IMMEDIATE')
  const commit = db.prepare('COMMIT')
  const rollback = db.prepare('ROLLBACK')
  let waiting = 0

  return { durably, lightly: write => attempt(() => transact(write)), attempt }

  async function durably<T>(write: () => T): Promise<T> {
    return await attempt(() => {
      // Never prepared: SQLite carries such a pragma out when it is compiled, not when it is run.
      db.exec('PRAGMA synchronous = FULL')
      try {
        return transact(write)
      } finally {
        db.exec('PRAGMA synchronous = NORMAL')
      }
    })
  }

  function transact<T>(write: () => T): T {
    begin.run()
    try {
      const result = write()
      commit.run()
      return result
    } catch (error) {
      // A full disk or a failed commit has often rolled back already.
      if (db.isTransaction) rollback.run()
      throw error
    }
  }

  async function attempt<T>(run: () => T): Promise<T> {
    const giveUpAt = performance.now() + BUSY_MS
    for (;;) {
      try {
        return run()
      } catch (error) {
        if (error instanceof VaultRefusal) throw error
        const isHopeless = performance.now() > giveUpAt || waiting >= MAX_WAITING
        if (!isBusy(error) || isHopeless) throw unavailable(error)
        waiting++
        await wait(1 + Math.random() * 4)
        waiting--
      }
    }
  }
}

/** True where another process holds the file. */
export function isBusy(error: unknown): boolean {
  return ((error as { errcode?: number }).errcode ?? 0) % 256 === SQLITE_BUSY
}

/** The refusal that a failure of SQLite becomes: its number, and nothing of its words. */
export function unavailable(error: unknown): BrokerError {
  const { errcode = 0 } = error as { errcode?: number }
  const detail =
    errcode % 256 === SQLITE_CONSTRAINT ? 'the id is in use' : `SQLite ${errcode || 'failed'}`
  return new BrokerError('vault_unavailable', { detail, cause: error })
}
