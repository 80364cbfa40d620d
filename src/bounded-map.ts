// A map that forgets: what it holds is bounded in bytes, and what was not asked for the longest goes
// first. For memories that may be lost, such as caches (attacks DS13). No I/O, no clock.

export interface BoundedMap<V> {
  readonly size: number
  /** Weight of all entries. */
  readonly bytes: number
  get(key: string): V | undefined
  has(key: string): boolean
  /** Sets an entry as the newest, and forgets others until the bound holds. */
  set(key: string, value: V): void
  delete(key: string): boolean
  entries(): Iterable<[key: string, value: V]>
}

interface Entry<V> {
  value: V
  bytes: number
  /** Asked for since it was last spared. */
  isUsed: boolean
}

/** What an entry costs besides its key and its value. */
const ENTRY_BYTES = 200

/**
 * An empty map. `weigh` gives a value's size in bytes, roughly; keys and entries count by themselves.
 * A value that is heavier than the whole bound is not kept at all.
 */
export function createBoundedMap<V>(
  maxBytes: number,
  weigh: (value: V) => number = () => 0,
): BoundedMap<V> {
  const entries = new Map<string, Entry<V>>()
  let bytes = 0

  return {
    get size() {
      return entries.size
    },
    get bytes() {
      return bytes
    },
    get(key) {
      const entry = entries.get(key)
      if (entry === undefined) return undefined
      entry.isUsed = true
      return entry.value
    },
    has: key => entries.has(key),
    set(key, value) {
      remove(key)
      const entry = { value, bytes: ENTRY_BYTES + key.length + weigh(value), isUsed: false }
      if (entry.bytes > maxBytes) return
      bytes += entry.bytes
      while (bytes > maxBytes) forgetOne()
      entries.set(key, entry)
    },
    delete: remove,
    *entries() {
      for (const [key, { value }] of entries) yield [key, value]
    },
  }

  function remove(key: string): boolean {
    const entry = entries.get(key)
    if (entry === undefined) return false
    bytes -= entry.bytes
    return entries.delete(key)
  }

  // To move an entry at each look-up would cost more than the look-up: instead one that was asked for
  // is spared once, when its turn comes.
  function forgetOne(): void {
    for (const [key, entry] of entries) {
      entries.delete(key)
      if (!entry.isUsed) {
        bytes -= entry.bytes
        return
      }
      entry.isUsed = false
      entries.set(key, entry)
    }
  }
}
