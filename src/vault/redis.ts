// The vault in Redis or Valkey, shared by any number of instances. Every step that must happen at once
// is one script on one key; index entries are sets of their own, whose stale members are passed over.
// Heads are cached for at most a second, dropped as soon as Redis says that a record has changed, and
// all of them when the connection does not hold. The clock is passed in.

import { BrokerError } from '../errors.ts'
import { connectRedis, type RedisClient } from './redis-client.ts'
import { INSERT, LEASE, RELEASE, REMOVE, REPLACE, TOUCH } from './redis-scripts.ts'
import type { Head, Vault } from './vault.ts'

export interface RedisVaultChoice {
  url: string
  /** PEM of a private CA for `rediss:`. */
  ca?: string
  cluster?: readonly string[]
  sentinel?: { name: string; nodes: readonly string[] }
  /** Replicas that must have a new session or new tokens before they count as stored. */
  waitReplicas?: number
}

const PREFIX = 'fhirstorm'
const HEAD_FIELDS = ['generation', 'lastUsedAt', 'expiresAt']
/** Longest wait for one step. */
const STEP_MS = 1_500
const MAX_HEADS = 20_000
const MAX_HEAD_AGE_MS = 1_000
/** Longer than any session lives: after that an index member is certainly stale. */
const INDEX_LIFE_MS = 8 * 24 * 3_600_000

/** Opens the vault, with what an operator should know of it; rejects when no server answers. */
export async function openRedisVault(
  choice: RedisVaultChoice,
  now: () => number,
): Promise<{ vault: Vault; warnings: readonly string[] }> {
  const heads = new Map<string, { head: Head; at: number }>()
  const { client, binary, tracks } = await connectRedis(choice, key => {
    if (key === undefined) heads.clear()
    else heads.delete(key)
  }).catch(error => {
    throw unavailable(error)
  })
  const warnings = await guarded(() => inspectRedis(client, choice.url))
  const run = async (script: string, key: string, ...args: (string | number | Uint8Array)[]) =>
    await client.eval(script, { keys: [key], arguments: args.map(toArgument) })

  const vault: Vault = {
    insert: (id, { keyId, value, lastUsedAt, expiresAt, indexes }) =>
      guarded(async () => {
        const key = recordKey(id)
        const entries = indexes.join(' ')
        const made = await run(INSERT, key, now(), lastUsedAt, expiresAt, keyId, value, entries)
        if (made !== 1) throw new BrokerError('vault_unavailable', { detail: 'the id is in use' })
        for (const entry of indexes) await addToIndex(entry, id)
        await client.replicated()
      }),
    head(id) {
      const cached = heads.get(recordKey(id))
      if (cached && performance.now() - cached.at < MAX_HEAD_AGE_MS) {
        return cached.head.expiresAt > now() ? cached.head : undefined
      }
      return guarded(() => readHead(id))
    },
    read: id =>
      guarded(async () => {
        const fields = [...HEAD_FIELDS, 'keyId', 'value']
        const [generation, lastUsedAt, expiresAt, keyId, value] = await binary.hmGet(
          recordKey(id),
          fields,
        )
        if (!generation || Number(expiresAt) <= now()) return undefined
        return {
          generation: Number(generation),
          lastUsedAt: Number(lastUsedAt),
          expiresAt: Number(expiresAt),
          keyId: String(keyId),
          value: Buffer.from(value ?? ''),
        }
      }),
    replace: (id, generation, { keyId, value, expiresAt }) =>
      guarded(async () => {
        const key = recordKey(id)
        heads.delete(key)
        const done = await run(REPLACE, key, now(), generation, expiresAt, keyId, value)
        heads.delete(key)
        if (done === 1) await client.replicated()
        return done === 1
      }),
    touch: (id, lastUsedAt, expiresAt) =>
      guarded(async () => {
        const done = await run(TOUCH, recordKey(id), now(), lastUsedAt, expiresAt)
        heads.delete(recordKey(id))
        return done === 1
      }),
    remove: id =>
      guarded(async () => {
        const indexes = await run(REMOVE, recordKey(id))
        heads.delete(recordKey(id))
        if (typeof indexes !== 'string') return false
        for (const entry of indexes.split(' ').filter(Boolean)) {
          await client.zRem(indexKey(entry), id)
        }
        return true
      }),
    find: entry =>
      guarded(async () => {
        const ids = await client.zRange(indexKey(entry), 0, -1)
        const found = await Promise.all(ids.map(async id => ({ id, head: await readHead(id) })))
        const stale = found.filter(({ head }) => head === undefined)
        await Promise.all(stale.map(({ id }) => client.zRem(indexKey(entry), id)))
        return found.flatMap(({ id, head }) => (head ? [{ id, ...head }] : []))
      }),
    take: (key, expiresAt) =>
      guarded(async () => {
        const made = await client.set(`${PREFIX}:taken:${key}`, '1', { NX: true, PXAT: expiresAt })
        if (made !== null) await client.replicated()
        return made !== null
      }),
    deposit: (key, value, expiresAt) =>
      guarded(async () => {
        await client.set(`${PREFIX}:deposit:${key}`, `${expiresAt} ${value}`, { PXAT: expiresAt })
      }),
    withdraw: key =>
      guarded(async () => {
        const found = await client.getDel(`${PREFIX}:deposit:${key}`)
        const space = found?.indexOf(' ') ?? -1
        return found && Number(found.slice(0, space)) > now() ? found.slice(space + 1) : undefined
      }),
    lease: (id, owner, until) =>
      guarded(async () => (await run(LEASE, leaseKey(id), now(), owner, until)) === 1),
    release: (id, owner) =>
      guarded(async () => {
        await run(RELEASE, leaseKey(id), owner)
      }),
    // Redis clears what has expired by itself; index members go with the next find or insert.
    sweep: async () => 0,
    keyMarks: () =>
      guarded(async () => new Map(Object.entries(await client.hGetAll(`${PREFIX}:key-marks`)))),
    markKey: (keyId, mark) =>
      guarded(async () => {
        await client.hSetNX(`${PREFIX}:key-marks`, keyId, mark)
      }),
    ping: () =>
      guarded(async () => {
        await client.ping()
      }),
    close: async () => {
      await client.close()
    },
  }
  return { vault, warnings }

  async function readHead(id: string): Promise<Head | undefined> {
    const key = recordKey(id)
    const at = performance.now()
    const [generation, lastUsedAt, expiresAt] = await client.hmGet(key, HEAD_FIELDS)
    if (!generation || Number(expiresAt) <= now()) return undefined
    const head = {
      generation: Number(generation),
      lastUsedAt: Number(lastUsedAt),
      expiresAt: Number(expiresAt),
    }
    return tracks ? remember(key, head, at) : head
  }

  function remember(key: string, head: Head, at: number): Head {
    const known = heads.get(key)?.head
    const same = known?.generation === head.generation && known.lastUsedAt === head.lastUsedAt
    heads.delete(key)
    heads.set(key, { head: same && known.expiresAt === head.expiresAt ? known : head, at })
    if (heads.size > MAX_HEADS) heads.delete(heads.keys().next().value as string)
    return head
  }

  async function addToIndex(entry: string, id: string): Promise<void> {
    const key = indexKey(entry)
    const until = now() + INDEX_LIFE_MS
    await client.zRemRangeByScore(key, 0, now())
    await client.zAdd(key, { score: until, value: id })
    await client.pExpireAt(key, until)
  }
}

/** What an operator should know of the server, in fixed words (attacks V14). */
async function inspectRedis(client: RedisClient, url: string): Promise<string[]> {
  const { protocol, hostname, password } = new URL(url)
  const isLocal = ['localhost', '127.0.0.1', '[::1]'].includes(hostname)
  const warnings: string[] = []
  if (!isLocal && protocol !== 'rediss:') warnings.push('the connection to Redis is not encrypted')
  if (!isLocal && password === '') warnings.push('Redis asks for no password')
  const settings = await client.settings()
  const policy = settings.get('maxmemory-policy') ?? 'noeviction'
  if (policy !== 'noeviction' && settings.get('maxmemory') !== '0') {
    warnings.push('Redis may evict sessions: set maxmemory-policy noeviction')
  }
  if (settings.get('appendonly') === 'no') {
    warnings.push('Redis keeps sessions in memory alone: set appendonly yes, appendfsync always')
  }
  return warnings
}

function recordKey(id: string): string {
  return `${PREFIX}:record:${id}`
}

function indexKey(entry: string): string {
  return `${PREFIX}:index:${entry}`
}

function leaseKey(id: string): string {
  return `${PREFIX}:lease:${id}`
}

function toArgument(value: string | number | Uint8Array): string | Buffer {
  return value instanceof Uint8Array ? Buffer.from(value) : String(value)
}

// The client's own time-out ends when a command is written; a server that never answers is ours.
async function guarded<T>(step: () => Promise<T>): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Error('no answer in time')), STEP_MS)
  try {
    return await Promise.race([step(), late])
  } catch (error) {
    throw error instanceof BrokerError ? error : unavailable(error)
  } finally {
    clearTimeout(timer)
  }
}

// The client's messages may hold the server's address or password: only the class and code are kept.
function unavailable(cause: unknown): BrokerError {
  return new BrokerError('vault_unavailable', { detail: 'Redis failed', cause })
}
