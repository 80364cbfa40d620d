// Heads of records in Redis, kept in this process until Redis says that one has changed, and for a
// second at most where nobody can tell. One that changes while it is read is not kept.

import { createHeadCache } from './head-cache.ts'
import type { Head, RecordId } from './vault.ts'

export interface RedisHeads {
  /** The head; at once where it is kept. */
  get(id: RecordId): Head | undefined | Promise<Head | undefined>
  /** This head has changed; without an id, any may have. */
  expire(id?: RecordId): void
}

const KEPT_MS = 1_000

export function createRedisHeads(
  read: (id: RecordId) => Promise<Head | undefined>,
  now: () => number,
): RedisHeads {
  const cache = createHeadCache()
  /** Each head is read once for all who ask meanwhile. */
  const underWay = new Map<RecordId, Promise<Head | undefined>>()

  return {
    get(id) {
      // By a clock that nobody sets.
      const kept = cache.get(id, performance.now())
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
    const until = performance.now() + KEPT_MS
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
