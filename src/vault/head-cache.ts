// Heads that were read a moment ago. An entry counts until the store says that something has changed;
// then it is read again, and stays the same object while it says the same, so that whoever compares
// by identity has nothing to do. No I/O, no clock.

import type { Head, RecordId } from './vault.ts'

export interface HeadCache {
  /** The head, if nothing has changed since it was read. */
  get(id: RecordId): Head | undefined
  set(id: RecordId, head: Head): Head
  /** Stores what was read again; an equal head keeps its identity. */
  refresh(id: RecordId, head: Head): Head
  delete(id: RecordId): void
  /** Everything must be read again. */
  expire(): void
}

/** A cache of at most `size` heads, the longest unread first to go. */
export function createHeadCache(size = 20_000): HeadCache {
  const entries = new Map<RecordId, { head: Head; epoch: number }>()
  let epoch = 0

  return { get, set, refresh, delete: id => entries.delete(id), expire: () => void epoch++ }

  function get(id: RecordId): Head | undefined {
    const entry = entries.get(id)
    return entry?.epoch === epoch ? entry.head : undefined
  }

  function set(id: RecordId, head: Head): Head {
    entries.delete(id)
    entries.set(id, { head, epoch })
    if (entries.size > size) entries.delete(entries.keys().next().value as RecordId)
    return head
  }

  function refresh(id: RecordId, head: Head): Head {
    const known = entries.get(id)?.head
    const same =
      known?.generation === head.generation &&
      known.lastUsedAt === head.lastUsedAt &&
      known.expiresAt === head.expiresAt
    return set(id, same ? known : head)
  }
}
