// Memories of single sessions that may be forgotten: bounded, the longest untouched first to go. No I/O,
// no clock.

const MAX_MEMORIES = 10_000

/** Sets an entry as the newest one; beyond ten thousand the oldest is dropped. */
export function remember<T>(memories: Map<string, T>, key: string, value: T): void {
  memories.delete(key)
  memories.set(key, value)
  if (memories.size > MAX_MEMORIES) memories.delete(memories.keys().next().value as string)
}
