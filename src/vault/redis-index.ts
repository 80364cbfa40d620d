// Records under one keyed hash in Redis: a sorted set whose members outlive their records. A member
// whose record is gone shows an end that other instances may not have read of yet, so it stays until
// they must have, and whoever is about to end what is found waits for them.

import { setTimeout as pause } from 'node:timers/promises'
import { indexKey } from './redis-keys.ts'
import { LONGEST_KEPT_MS, type RedisLeases } from './redis-leases.ts'
import type { RedisLink } from './redis-link.ts'
import type { Head, RecordId, Vault } from './vault.ts'

const BATCH = 200

interface FinderOptions {
  link: Pick<RedisLink, 'send'>
  leases: Pick<RedisLeases, 'tell'>
  now: () => number
  ready: () => Promise<void>
  readHead: (id: RecordId) => Promise<Head | undefined>
}

/** What the vault answers about records that may be gone. */
export function createRedisFinder(options: FinderOptions): Pick<Vault, 'find' | 'isGone'> {
  const { link, leases, now, ready, readHead } = options
  return {
    async find(entry, { settled = false } = {}) {
      await ready()
      const key = indexKey(entry)
      const ids = (await link.send(key, 'ZRANGEBYSCORE', key, `${now()}`, '+inf')) as string[]
      const live: ({ id: RecordId } & Head)[] = []
      for (let i = 0; i < ids.length; i += BATCH) {
        const batch = ids.slice(i, i + BATCH)
        const found = await Promise.all(batch.map(async id => ({ id, head: await readHead(id) })))
        live.push(...found.flatMap(({ id, head }) => (head ? [{ id, ...head }] : [])))
        const stale = found.flatMap(({ id, head }) => (head ? [] : [id]))
        if (stale.length === 0) continue
        if (settled) await leases.tell(stale)
        void forget(key, stale, settled).catch(() => undefined)
      }
      return live
    },
    async isGone(id) {
      if (await readHead(id)) return false
      await leases.tell([id])
      return true
    },
  }

  async function forget(key: string, stale: readonly RecordId[], isTold: boolean): Promise<void> {
    if (!isTold) await pause(LONGEST_KEPT_MS, undefined, { ref: false })
    await link.send(key, 'ZREM', key, ...stale)
  }
}
