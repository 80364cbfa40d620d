// Waits for the instances that must have read of an end. All waits of this process share one reading of
// what the instances have said, which is repeated when the store says that it has changed.

export interface Wait {
  epoch: string
  /** The number of the end. */
  seq: number
  /** Instances that held a lease when it was told, and what they had said by then. */
  members: ReadonlyMap<string, string>
  /** When their leases are over, by the clock that nobody sets. */
  over: number
}

export interface RedisWaits {
  /** Resolves with the members that have said nothing since, when no other is left or time is over. */
  wait(wait: Wait): Promise<[field: string, said: string][]>
  /** What the instances have said has changed. */
  wake(): void
}

/** Where no push comes, it is read again after so long. */
const AGAIN_MS = 50

/** `read` gives the hash of instances, whose next change is then told by `wake`. */
export function createRedisWaits(read: () => Promise<unknown>): RedisWaits {
  const waiting = new Set<{ wait: Wait; finish: (silent: [string, string][]) => void }>()
  let isReading = false
  let isChanged = false
  let rouse = () => {}

  return {
    async wait(wait) {
      if (wait.members.size === 0) return []
      const { promise, resolve: finish } = Promise.withResolvers<[string, string][]>()
      const entry = { wait, finish }
      waiting.add(entry)
      wake()
      if (!isReading) void readOn()
      return await promise.finally(() => waiting.delete(entry))
    },
    wake,
  }

  function wake(): void {
    isChanged = true
    rouse()
  }

  async function readOn(): Promise<void> {
    isReading = true
    while (waiting.size > 0) {
      isChanged = false
      const said = toMap(await read().catch(() => undefined))
      for (const entry of [...waiting]) {
        const { wait, finish } = entry
        if (performance.now() < wait.over && !hasAll(wait, said)) continue
        waiting.delete(entry)
        finish([...wait.members].filter(([field, before]) => said?.get(field) === before))
      }
      if (waiting.size > 0 && !isChanged) await nextChange()
    }
    isReading = false
  }

  async function nextChange(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const nearest = Math.min(...[...waiting].map(({ wait }) => wait.over)) - performance.now()
    const timer = setTimeout(resolve, Math.max(1, Math.min(AGAIN_MS, nearest)))
    rouse = resolve
    await promise
    clearTimeout(timer)
  }
}

// One that is gone from the hash has given its lease back, or was waited for by another.
function hasAll({ epoch, seq, members }: Wait, said: ReadonlyMap<string, string> | undefined) {
  if (said?.get('epoch') !== epoch) return false
  return [...members.keys()].every(field => {
    const value = said.get(field)
    return value === undefined || Number(value.split(' ')[0]) >= seq
  })
}

// RESP3 gives a hash as an object, scripts give it as a list.
function toMap(reply: unknown): ReadonlyMap<string, string> | undefined {
  if (typeof reply !== 'object' || reply === null) return undefined
  return new Map(Object.entries(reply).map(([field, value]) => [field, String(value)]))
}
