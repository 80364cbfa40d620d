// How a record is removed from Redis: it is gone and told of in one step, and over when no instance
// gives it any more. In a cluster the record and the ends lie on two nodes, and take a step each.

import { recordKey } from './redis-keys.ts'
import { ENDS, INSTANCES, REMOVE_AND_TELL } from './redis-lease-scripts.ts'
import type { RedisLeases } from './redis-leases.ts'
import { REMOVE } from './redis-scripts.ts'
import type { Vault } from './vault.ts'

interface RemovalOptions {
  /** Runs a script durably, on keys of which the first names the node. */
  write: (script: string, keys: readonly string[], ...args: (string | number)[]) => Promise<unknown>
  leases: Pick<RedisLeases, 'tell' | 'settle'>
  now: () => number
  isCluster: boolean
}

/** The vault's `remove`. */
export function createRedisRemoval(options: RemovalOptions): Vault['remove'] {
  const { write, leases, now, isCluster } = options
  return async (id, named, onRemoved) => {
    const [key, generation] = [recordKey(id), named ?? '']
    // All are told also where there was none: whoever has removed it may still be waiting.
    if (isCluster) {
      const isDone = (await write(REMOVE, [key], now(), generation)) === 1
      if (isDone) onRemoved?.()
      await leases.tell([id])
      return isDone
    }
    const keys = [key, INSTANCES, ENDS]
    const done = await write(REMOVE_AND_TELL, keys, id, now(), generation)
    const [wasLive, told] = done as [number, unknown?]
    if (wasLive === 1) onRemoved?.()
    if (told) await leases.settle(told)
    return wasLive === 1
  }
}
