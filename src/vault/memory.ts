// The vault in this process's memory: for tests, and as the plainest statement of the contract.
// Nothing survives the process, and nothing is forgotten before its time: a store that is full refuses
// what is new, as the others do. The clocks may be passed in.

import { BrokerError } from '../errors.ts'
import { give, type Share, take } from '../share.ts'
import { verifyKeyMarks } from './key-marks.ts'
import type { Head, KeyMarks, RecordId, Vault, VaultRecord } from './vault.ts'

interface Entry {
  record: VaultRecord
  head: Head
  endsAt: number
  indexes: readonly string[]
}

const MAX_BYTES = 256 * 1024 * 1024
/** What an entry costs besides its value. */
const ENTRY_BYTES = 500

export interface MemoryVaultOptions {
  /** Milliseconds since the epoch; this machine's clock unless told. */
  now?: () => number
  /** Counts the milliseconds of leases, by a clock that nobody sets. */
  steady?: () => number
  /** Room for records; 256 MiB unless told. Beyond it what is new is refused with `vault_unavailable`. */
  maxBytes?: number
}

/** A vault whose sessions end with this process. */
export function createMemoryVault({
  now = Date.now,
  steady = () => performance.now(),
  maxBytes = MAX_BYTES,
}: MemoryVaultOptions = {}): Vault {
  const room: Share = { held: 0, limit: maxBytes }
  const records = new Map<RecordId, Entry>()
  const indexes = new Map<string, Set<RecordId>>()
  const taken = new Map<string, number>()
  const deposits = new Map<string, { value: string; expiresAt: number }>()
  const leases = new Map<RecordId, { owner: string; until: number }>()
  let keyMarks: KeyMarks = new Map()

  return {
    now,
    async insert(id, { endsAt, indexes: entries, ...record }) {
      if (live(id)) throw new BrokerError('vault_unavailable', { detail: 'the id is in use' })
      drop(id)
      put(id, { endsAt, indexes: entries }, { ...record, generation: 1 })
      for (const entry of entries) {
        const ids = indexes.get(entry) ?? new Set()
        indexes.set(entry, ids.add(id))
      }
    },
    head: id => live(id)?.head,
    async read(id) {
      const record = live(id)?.record
      return record && { ...record, value: Buffer.from(record.value) }
    },
    async replace(id, generation, { keyId, value, expiresAt }) {
      const entry = live(id)
      if (entry?.record.generation !== generation) return false
      const { lastUsedAt } = entry.record
      put(id, entry, { keyId, value, lastUsedAt, expiresAt, generation: generation + 1 })
      return true
    },
    async touch(id, lastUsedAt, expiresAt) {
      const entry = live(id)
      if (entry) put(id, entry, { ...entry.record, lastUsedAt, expiresAt })
      return entry !== undefined
    },
    async remove(id, generation, onRemoved) {
      const found = live(id)
      if (found && generation !== undefined && found.record.generation !== generation) return false
      drop(id)
      if (found) onRemoved?.()
      return found !== undefined
    },
    isGone: async id => live(id) === undefined,
    async find(entry) {
      return [...(indexes.get(entry) ?? [])].flatMap(id => {
        const found = live(id)
        return found ? [{ id, ...found.head }] : []
      })
    },
    entries: async id => live(id)?.indexes,
    async take(key, expiresAt) {
      if ((taken.get(key) ?? 0) > now()) return false
      if (!taken.has(key)) claim(ENTRY_BYTES)
      taken.set(key, expiresAt)
      return true
    },
    isTaken: async key => (taken.get(key) ?? 0) > now(),
    async deposit(key, value, expiresAt) {
      claim(ENTRY_BYTES + value.length)
      clear(key)
      deposits.set(key, { value, expiresAt })
    },
    async withdraw(key) {
      const found = deposits.get(key)
      clear(key)
      return found && found.expiresAt > now() ? found.value : undefined
    },
    async lease(id, owner, forMs) {
      const held = leases.get(id)
      if (held && held.owner !== owner && held.until > steady()) return false
      if (!held) claim(ENTRY_BYTES)
      leases.set(id, { owner, until: steady() + forMs })
      return true
    },
    async release(id, owner) {
      if (leases.get(id)?.owner === owner) free(leases, id, ENTRY_BYTES)
    },
    async sweep() {
      const dead = [...records.keys()].filter(id => !live(id))
      for (const id of dead) drop(id)
      const used = [...taken].filter(([, until]) => until <= now())
      for (const [key] of used) free(taken, key, ENTRY_BYTES)
      const unclaimed = [...deposits].filter(([, { expiresAt }]) => expiresAt <= now())
      for (const [key] of unclaimed) clear(key)
      const ended = [...leases].filter(([, { until }]) => until <= steady())
      for (const [id] of ended) free(leases, id, ENTRY_BYTES)
      return dead.length + used.length + unclaimed.length + ended.length
    },
    async verifyKeys(marks) {
      verifyKeyMarks(keyMarks, marks)
      keyMarks = marks
    },
    size: async () => ({ bytes: room.held, maxBytes }),
    async ping() {},
    async close() {},
  }

  function live(id: RecordId): Entry | undefined {
    const entry = records.get(id)
    return entry && entry.record.expiresAt > now() ? entry : undefined
  }

  function put(
    id: RecordId,
    { endsAt, indexes }: Pick<Entry, 'endsAt' | 'indexes'>,
    { keyId, value, generation, lastUsedAt, expiresAt }: VaultRecord,
  ): void {
    const head = { generation, lastUsedAt, expiresAt: Math.min(expiresAt, endsAt) }
    const record = { keyId, value: Buffer.from(value), ...head }
    const before = records.get(id)?.record
    claim(ENTRY_BYTES + value.length)
    if (before) give(room, ENTRY_BYTES + before.value.length)
    records.set(id, { record, head, endsAt, indexes })
  }

  function drop(id: RecordId): void {
    for (const entry of records.get(id)?.indexes ?? []) {
      const ids = indexes.get(entry)
      ids?.delete(id)
      if (ids?.size === 0) indexes.delete(entry)
    }
    free(records, id, ENTRY_BYTES + (records.get(id)?.record.value.length ?? 0))
  }

  function clear(key: string): void {
    free(deposits, key, ENTRY_BYTES + (deposits.get(key)?.value.length ?? 0))
  }

  function claim(bytes: number): void {
    if (take(room, bytes)) return
    throw new BrokerError('vault_unavailable', { detail: 'the store is full' })
  }

  function free(map: Map<string, unknown>, key: string, bytes: number): void {
    if (map.delete(key)) give(room, bytes)
  }
}
