// Waiting for something no longer than so long.

import { setTimeout as wait } from 'node:timers/promises'

/** What a promise gives within so many milliseconds, else nothing. */
export async function within<T>(milliseconds: number, promise: Promise<T>): Promise<T | undefined> {
  const over = new AbortController()
  const late = wait(milliseconds, undefined, { signal: over.signal })
  try {
    return await Promise.race([promise, late])
  } finally {
    over.abort()
  }
}
