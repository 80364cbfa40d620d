// Heads that were read a moment ago. An entry counts until the store says that something has changed;
// then it is read again, and stays the same object while it says the same, so that whoever compares
// by identity has nothing to do. No I/O, no clock.

import type { Head, RecordId } from './vault.ts'

export interface HeadCache {
  /** The head, if nothing has changed since it was read. */
  get(id: RecordId): Head | undefined
  /** Stores what was read; a head equal to the one before keeps its identity. */
  refresh(id: RecordId, head: Head): Head
  delete(id: RecordId): void
  /** Everything must be read again. */
  expire(): void
}

/** A cache of at most `size` heads, the longest unread first to go. */
export function createHeadCache(size = 20_000): HeadCache {
  const entries = new Map<RecordId, { head: Head; epoch: number }>()
  let epoch = 0

  return {
    get(id) {
      const entry = entries.get(id)
      return entry?.epoch === epoch ? entry.head : undefined
    },
    refresh(id, read) {
      const known = entries.get(id)?.head
      const head = known && isEqual(known, read) ? known : read
      entries.delete(id)
      entries.set(id, { head, epoch })
      if (entries.size > size) entries.delete(entries.keys().next().value as RecordId)
      return head
    },
    delete: id => void entries.delete(id),
    expire: () => void epoch++,
  }
}

function isEqual(a: Head, b: Head): boolean {
  return (
    a.generation === b.generation && a.lastUsedAt === b.lastUsedAt && a.expiresAt === b.expiresAt
  )
}
