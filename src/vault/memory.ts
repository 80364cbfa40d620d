// The vault in this process's memory: for tests, and as the plainest statement of the contract.
// Nothing survives the process. The clock is passed in.

import { BrokerError } from '../errors.ts'
import type { Head, RecordId, Vault, VaultRecord } from './vault.ts'

interface Entry extends VaultRecord {
  head: Head
  indexes: readonly string[]
}

const SWEEP_BATCH = 1000

export function createMemoryVault({ now }: { now: () => number }): Vault {
  const records = new Map<RecordId, Entry>()
  const indexes = new Map<string, Set<RecordId>>()
  const taken = new Map<string, number>()
  const deposits = new Map<string, { value: string; expiresAt: number }>()
  const marks = new Map<string, string>()
  const leases = new Map<RecordId, { owner: string; until: number }>()

  return {
    async insert(id, record) {
      if (live(id)) throw new BrokerError('vault_unavailable', { detail: 'the id is in use' })
      put(id, { ...record, value: Buffer.from(record.value), generation: 1 })
      for (const index of record.indexes) {
        const ids = indexes.get(index) ?? new Set()
        indexes.set(index, ids.add(id))
      }
    },
    head: id => live(id)?.head,
    async read(id) {
      const entry = live(id)
      if (!entry) return undefined
      const { keyId, value, generation, lastUsedAt, expiresAt } = entry
      return { keyId, value: Buffer.from(value), generation, lastUsedAt, expiresAt }
    },
    async replace(id, generation, next) {
      const entry = live(id)
      if (entry?.generation !== generation) return false
      put(id, { ...entry, ...next, value: Buffer.from(next.value), generation: generation + 1 })
      return true
    },
    async touch(id, lastUsedAt, expiresAt) {
      const entry = live(id)
      if (!entry) return false
      put(id, { ...entry, lastUsedAt, expiresAt })
      return true
    },
    async remove(id) {
      const there = live(id) !== undefined
      drop(id)
      return there
    },
    async find(index) {
      return [...(indexes.get(index) ?? [])].flatMap(id => {
        const entry = live(id)
        return entry ? [{ id, ...entry.head }] : []
      })
    },
    async take(key, expiresAt) {
      if ((taken.get(key) ?? 0) > now()) return false
      taken.set(key, expiresAt)
      return true
    },
    async deposit(key, value, expiresAt) {
      deposits.set(key, { value, expiresAt })
    },
    async withdraw(key) {
      const found = deposits.get(key)
      deposits.delete(key)
      return found && found.expiresAt > now() ? found.value : undefined
    },
    async lease(id, owner, until) {
      const held = leases.get(id)
      if (held && held.owner !== owner && held.until > now()) return false
      leases.set(id, { owner, until })
      return true
    },
    async release(id, owner) {
      if (leases.get(id)?.owner === owner) leases.delete(id)
    },
    async sweep() {
      const at = now()
      const dead = [...records].filter(([, { expiresAt }]) => expiresAt <= at).slice(0, SWEEP_BATCH)
      for (const [id] of dead) drop(id)
      for (const [key, expiresAt] of taken) if (expiresAt <= at) taken.delete(key)
      for (const [key, { expiresAt }] of deposits) if (expiresAt <= at) deposits.delete(key)
      for (const [id, { until }] of leases) if (until <= at) leases.delete(id)
      return dead.length
    },
    keyMarks: async () => new Map(marks),
    async markKey(keyId, mark) {
      if (!marks.has(keyId)) marks.set(keyId, mark)
    },
    async ping() {},
    async close() {},
  }

  function live(id: RecordId): Entry | undefined {
    const entry = records.get(id)
    return entry && entry.expiresAt > now() ? entry : undefined
  }

  function put(id: RecordId, entry: Omit<Entry, 'head'>): void {
    const { generation, lastUsedAt, expiresAt } = entry
    records.set(id, { ...entry, head: { generation, lastUsedAt, expiresAt } })
  }

  function drop(id: RecordId): void {
    for (const index of records.get(id)?.indexes ?? []) {
      indexes.get(index)?.delete(id)
      if (indexes.get(index)?.size === 0) indexes.delete(index)
    }
    records.delete(id)
  }
}
