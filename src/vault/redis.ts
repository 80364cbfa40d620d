// The vault in Redis or Valkey, shared by any number of instances. Every step that must happen at once
// is one script on one key; index entries are sorted sets of their own, by the end of their records,
// whose stale members are passed over. Heads are kept under a lease until Redis says that they have
// changed, a second at most; a removal resolves when nobody keeps the record's. The time of day is the
// server's.

import { BrokerError } from '../errors.ts'
import type { RedisVaultChoice } from './redis-choice.ts'
import { createRedisClock } from './redis-clock.ts'
import { createRedisHeads } from './redis-heads.ts'
import { createRedisFinder } from './redis-index.ts'
import {
  depositKey,
  indexKey,
  KEY_MARKS,
  leaseKey,
  RECORD,
  recordKey,
  takenKey,
} from './redis-keys.ts'
import { ENDS, INSTANCES } from './redis-lease-scripts.ts'
import { createRedisLeases } from './redis-leases.ts'
import { openRedisLink, type RedisLink } from './redis-link.ts'
import { createRedisRemoval } from './redis-removal.ts'
import { createRedisRing } from './redis-ring.ts'
import * as scripts from './redis-scripts.ts'
import { judgeAddress, judgeClock, judgeServer, readSize } from './redis-survey.ts'
import type { Head, KeyMarks, RecordId, Vault } from './vault.ts'

const HEAD_FIELDS = ['generation', 'lastUsedAt', 'expiresAt'] as const
const WAIT_MS = 1_000
const SYNC_MS = 10_000

/**
 * Opens the vault. A server that cannot be reached is a warning: each request then gets its 503. With a
 * `steady` clock, which nobody sets, the time of day is the server's; without one it is `readTime`'s.
 */
export async function openRedisVault(
  choice: RedisVaultChoice,
  readTime: () => number,
  steady?: () => number,
): Promise<{ vault: Vault; warnings: string[] }> {
  const redis = await import('redis')
  const { waitReplicas = 0 } = choice
  const clock = steady && createRedisClock(askTime, { now: readTime, steady })
  const now = clock?.now ?? readTime
  const heads = createRedisHeads(readHead, now, at => leases.isHeld(at))
  const link = openRedisLink(redis, choice, noteChange, {
    channel: ENDS,
    hear: text => leases.hear(text),
  })
  // WAIT stops its connection for as long as it waits: reads have one of their own.
  const durable = waitReplicas > 0 ? openRedisLink(redis, choice) : link
  const leases = createRedisLeases({
    ask: (...command) => link.send(INSTANCES, ...command),
    onEnd: id => heads.expire(id),
  })
  const isCluster = choice.cluster !== undefined
  const remove = createRedisRemoval({ write: writeAll, leases, now, isCluster })
  const { ready, verifyKeys } = createRedisRing(readMarks, noteMarks)
  const syncing = clock && setInterval(clock.sync, SYNC_MS).unref()

  const vault: Vault = {
    now,
    async insert(id, { keyId, value, lastUsedAt, expiresAt, endsAt, indexes }) {
      const record = [lastUsedAt, expiresAt, endsAt, keyId, value, indexes.join(' ')] as const
      if (!(await write(scripts.INSERT, recordKey(id), now(), ...record))) {
        throw new BrokerError('vault_unavailable', { detail: 'the id is in use' })
      }
      await Promise.all(
        indexes.map(entry => write(scripts.ADD_TO_INDEX, indexKey(entry), now(), endsAt, id)),
      )
    },
    head: id => heads.get(id),
    async read(id) {
      await ready()
      const key = recordKey(id)
      const fields = await link.sendForBytes(key, 'HMGET', key, ...HEAD_FIELDS, 'keyId', 'value')
      const [generation, lastUsedAt, expiresAt, keyId, value] = fields as Buffer[]
      const head = toHead([generation, lastUsedAt, expiresAt])
      return head && { ...head, keyId: String(keyId), value: Buffer.from(value ?? '') }
    },
    replace: (id, generation, { keyId, value, expiresAt }) =>
      write(scripts.REPLACE, recordKey(id), now(), generation, expiresAt, keyId, value),
    touch: (id, lastUsedAt, expiresAt) =>
      run(scripts.TOUCH, recordKey(id), now(), lastUsedAt, expiresAt),
    remove,
    ...createRedisFinder({ link, leases, now, ready, readHead }),
    async entries(id) {
      await ready()
      const key = recordKey(id)
      const [expiresAt, entries] = (await link.send(
        ...[key, 'HMGET', key, 'expiresAt', 'entries'],
      )) as unknown[]
      if (!(Number(expiresAt) > now())) return undefined
      return String(entries ?? '')
        .split(' ')
        .filter(Boolean)
    },
    take: (key, expiresAt) => write(scripts.TAKE, takenKey(key), now(), expiresAt),
    async isTaken(key) {
      await ready()
      return Number(await link.send(takenKey(key), 'GET', takenKey(key))) > now()
    },
    async deposit(key, value, expiresAt) {
      await write(scripts.DEPOSIT, depositKey(key), expiresAt, value)
    },
    async withdraw(key) {
      await ready()
      const found = await link.send(depositKey(key), 'GETDEL', depositKey(key))
      const [, expiresAt, value] = /^(\d+) (.*)$/s.exec(String(found)) ?? []
      return Number(expiresAt) > now() ? value : undefined
    },
    lease: (id, owner, forMs) => write(scripts.LEASE, leaseKey(id), owner, forMs),
    async release(id, owner) {
      await run(scripts.RELEASE, leaseKey(id), owner)
    },
    // Redis clears up by itself what has expired.
    sweep: async () => 0,
    verifyKeys,
    async size() {
      await ready()
      return readSize(await askInfo())
    },
    async ping() {
      await ready()
      await link.send(KEY_MARKS, 'HLEN', KEY_MARKS)
    },
    async close() {
      clearInterval(syncing)
      await leases.close()
      await Promise.all([link, ...(durable === link ? [] : [durable])].map(each => each.close()))
    },
  }
  return { vault, warnings: await survey() }

  /** One script on one key; true for its 1. */
  async function run(script: string, key: string, ...args: Argument[]): Promise<boolean> {
    await ready()
    return (await evaluate(link, script, [key], args)) === 1
  }

  /** The same for what must not be lost: acknowledged only once the replicas have it. */
  async function write(script: string, key: string, ...args: Argument[]): Promise<boolean> {
    return (await writeAll(script, [key], ...args)) === 1
  }

  async function writeAll(
    script: string,
    keys: readonly string[],
    ...args: Argument[]
  ): Promise<unknown> {
    await ready()
    // Sent in one go, so that both travel on one connection or fail with it.
    const [done, reached] = await Promise.all([
      evaluate(durable, script, keys, args),
      waitReplicas > 0
        ? durable.send(keys[0] as string, 'WAIT', `${waitReplicas}`, `${WAIT_MS}`)
        : 0,
    ])
    if (Number(reached) < waitReplicas) {
      throw new BrokerError('vault_unavailable', { detail: 'Redis: too few replicas have it' })
    }
    return done
  }

  async function evaluate(
    through: RedisLink,
    script: string,
    keys: readonly string[],
    args: readonly Argument[],
  ): Promise<unknown> {
    const words = [`${keys.length}`, ...keys, ...args.map(toArgument)]
    try {
      return await through.send(keys[0] as string, 'EVAL', script, ...words)
    } finally {
      for (const key of keys) expireHead(key)
    }
  }

  async function readHead(id: RecordId): Promise<Head | undefined> {
    await ready()
    const reply = await link.send(recordKey(id), 'HMGET', recordKey(id), ...HEAD_FIELDS)
    return toHead(reply as unknown[])
  }

  function noteChange(key?: string): void {
    if (key === undefined) leases.lose()
    else {
      expireHead(key)
      leases.note(key)
    }
  }

  function expireHead(key: string): void {
    if (key.startsWith(RECORD)) heads.expire(key.slice(RECORD.length))
  }

  function toHead([generation, lastUsedAt, expiresAt]: readonly unknown[]): Head | undefined {
    if (!(Number(expiresAt) > now())) return undefined
    return {
      generation: Number(generation),
      lastUsedAt: Number(lastUsedAt),
      expiresAt: Number(expiresAt),
    }
  }

  async function readMarks(): Promise<KeyMarks> {
    const stored = (await link.send(KEY_MARKS, 'HGETALL', KEY_MARKS)) as Record<string, string>
    return new Map(Object.entries(stored))
  }

  async function noteMarks(marks: KeyMarks): Promise<void> {
    await evaluate(durable, scripts.NOTE_KEYS, [KEY_MARKS], [...marks].flat())
  }

  async function askTime(): Promise<unknown> {
    return await link.send(KEY_MARKS, 'TIME')
  }

  async function askInfo(): Promise<string> {
    return String(await link.send(KEY_MARKS, 'EVAL', scripts.SURVEY, '1', KEY_MARKS))
  }

  async function survey(): Promise<string[]> {
    await Promise.all([link.settled(), durable.settled()])
    await clock?.sync()
    return [...judgeAddress(choice.url), ...judgeClock(now() - readTime()), ...(await judge())]
  }

  async function judge(): Promise<string[]> {
    try {
      return judgeServer(await askInfo())
    } catch (error) {
      const detail = error instanceof BrokerError ? error.detail : undefined
      return [`the vault cannot be asked yet (${detail})`]
    }
  }
}

type Argument = string | number | Uint8Array

function toArgument(value: Argument): string | Buffer {
  return value instanceof Uint8Array ? Buffer.from(value) : String(value)
}
