// Heads that were read a moment ago. An entry counts until the store says that something has changed,
// or until its time is over; then it is read again, and stays the same object while it says the same,
// so that whoever compares by identity has nothing to do. No I/O, no clock.

import { createBoundedMap } from '../bounded-map.ts'
import type { Head, RecordId } from './vault.ts'

export interface HeadCache {
  /** The head, if nothing has changed since it was read, and it counts at this time. */
  get(id: RecordId, at?: number): Head | undefined
  /** Stores what was read; a head equal to the one before keeps its identity. */
  refresh(id: RecordId, head: Head, until?: number): Head
  /** This head must be read again; without an id, every one. */
  expire(id?: RecordId): void
}

const MAX_BYTES = 8 * 1024 * 1024
const HEAD_BYTES = 200

/** A cache of at most so many bytes, the longest unread head first to go. */
export function createHeadCache(maxBytes = MAX_BYTES): HeadCache {
  const entries = createBoundedMap<{ head: Head; epoch: number; until: number }>(
    maxBytes,
    () => HEAD_BYTES,
  )
  let epoch = 0

  return {
    get(id, at = 0) {
      const entry = entries.get(id)
      return entry && entry.epoch === epoch && at < entry.until ? entry.head : undefined
    },
    refresh(id, read, until = Number.POSITIVE_INFINITY) {
      const known = entries.get(id)?.head
      const head = known && isEqual(known, read) ? known : read
      entries.set(id, { head, epoch, until })
      return head
    },
    expire(id) {
      const entry = id === undefined ? undefined : entries.get(id)
      if (entry) entry.until = Number.NEGATIVE_INFINITY
      if (id === undefined) epoch++
    },
  }
}

function isEqual(a: Head, b: Head): boolean {
  return (
    a.generation === b.generation && a.lastUsedAt === b.lastUsedAt && a.expiresAt === b.expiresAt
  )
}
