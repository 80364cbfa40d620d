// Heads of records in Redis, kept in this process under its lease until Redis says that one has changed,
// and for a second at most. One that changes while it is read is not kept; without a lease none is, and
// none is read for two who ask.

import { createHeadCache } from './head-cache.ts'
import { LEASE_MS } from './redis-leases.ts'
import type { Head, RecordId } from './vault.ts'

export interface RedisHeads {
  /** The head; at once where it is kept. */
  get(id: RecordId): Head | undefined | Promise<Head | undefined>
  /** This head has changed; without an id, any may have. */
  expire(id?: RecordId): void
}

/** Heads that `read` gives; kept while `isHeld` says that they may be. */
export function createRedisHeads(
  read: (id: RecordId) => Promise<Head | undefined>,
  now: () => number,
  isHeld: (at: number) => boolean,
): RedisHeads {
  const cache = createHeadCache()
  /** Each head is read once for all who ask meanwhile. */
  const underWay = new Map<RecordId, Promise<Head | undefined>>()

  return {
    get(id) {
      // By a clock that nobody sets.
      const at = performance.now()
      if (!isHeld(at)) return read(id)
      const kept = cache.get(id, at)
      if (kept) return kept.expiresAt > now() ? kept : undefined
      return underWay.get(id) ?? readAndKeep(id)
    },
    expire(id) {
      if (id === undefined) underWay.clear()
      else underWay.delete(id)
      cache.expire(id)
    },
  }

  function readAndKeep(id: RecordId): Promise<Head | undefined> {
    const until = performance.now() + LEASE_MS
    const reading: Promise<Head | undefined> = read(id)
      .then(head => (head && isCurrent() ? cache.refresh(id, head, until) : head))
      .finally(() => {
        if (isCurrent()) underWay.delete(id)
      })
    const isCurrent = () => underWay.get(id) === reading
    underWay.set(id, reading)
    return reading
  }
}
