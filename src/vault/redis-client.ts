// The connection to Redis or Valkey: one server, a cluster or sentinels, with TLS and password. No
// command waits for a connection, each has a deadline, and reconnecting never ends. Loaded only when
// a Redis vault is configured.

import type { RedisVaultChoice } from './redis.ts'

/** What the vault asks of a client, whatever stands behind it. */
export interface RedisClient {
  eval(
    script: string,
    options: { keys: string[]; arguments: (string | Buffer)[] },
  ): Promise<unknown>
  hmGet(key: string, fields: string[]): Promise<(string | Buffer | null)[]>
  hGetAll(key: string): Promise<Record<string, string>>
  hSetNX(key: string, field: string, value: string): Promise<number>
  set(key: string, value: string, options: { NX?: true; PXAT: number }): Promise<unknown>
  getDel(key: string): Promise<string | null>
  zAdd(key: string, member: { score: number; value: string }): Promise<number>
  zRem(key: string, member: string): Promise<number>
  zRange(key: string, start: number, stop: number): Promise<string[]>
  zRemRangeByScore(key: string, min: number, max: number): Promise<number>
  pExpireAt(key: string, at: number): Promise<number>
  ping(): Promise<unknown>
  /** Those settings of the server that it tells; none where it does not. */
  settings(): Promise<ReadonlyMap<string, string>>
  /** Waits for replicas where the choice asks for it. */
  replicated(): Promise<void>
  close(): Promise<void>
}

export interface Connected {
  client: RedisClient
  /** The same commands, values as bytes. */
  binary: Pick<RedisClient, 'hmGet'>
  /** Whether `onInvalidate` will be called for what was read. */
  tracks: boolean
}

const CONNECT_MS = 2_000
const SETTINGS = ['maxmemory', 'maxmemory-policy', 'appendonly']
const MAX_WAITING = 2_000

/** Connects; rejects when no server answers within two seconds. */
export async function connectRedis(
  choice: RedisVaultChoice,
  onInvalidate: (key: string | undefined) => void,
): Promise<Connected> {
  const redis = await import('redis')
  let connected = false
  const options = {
    RESP: 3 as const,
    disableOfflineQueue: true,
    commandsQueueMaxLength: MAX_WAITING,
    maintNotifications: 'disabled' as const,
    socket: {
      connectTimeout: CONNECT_MS,
      // The first connection is tried once: a wrong address must end the start, not delay it.
      reconnectStrategy: (tries: number) => connected && Math.min(50 * 2 ** tries, 1_000),
      ...(choice.ca === undefined ? {} : { tls: true as const, ca: choice.ca }),
    },
  }
  const client = build()
  // Without a listener an error of the connection would end the process; what was read may be stale.
  client.on('error', () => onInvalidate(undefined))
  for (const event of ['reconnecting', 'ready', 'end'])
    client.on(event, () => onInvalidate(undefined))
  client.on('invalidate', (key: Buffer | string | null) =>
    onInvalidate(key === null ? undefined : String(key)),
  )
  await client.connect()
  connected = true
  const binary = client.withTypeMapping({ [redis.RESP_TYPES.BLOB_STRING]: Buffer })
  return {
    client: Object.assign(client, {
      async replicated() {
        if (!choice.waitReplicas) return
        const reached = await client.sendCommand(['WAIT', `${choice.waitReplicas}`, '1000'])
        if (Number(reached) < choice.waitReplicas) throw new Error('too few replicas have it')
      },
      async settings() {
        const told = await client.configGet?.(SETTINGS).catch(() => ({}))
        return new Map(Object.entries((told ?? {}) as Record<string, string>))
      },
    }),
    binary,
    tracks: choice.cluster === undefined && choice.sentinel === undefined,
  }

  // The three kinds share their commands but not their types.
  // biome-ignore lint/suspicious/noExplicitAny: see above
  function build(): any {
    const url = choice.url
    const credentials = readCredentials(url)
    if (choice.cluster) {
      const rootNodes = choice.cluster.map(node => ({ url: node }))
      return redis.createCluster({ rootNodes, defaults: { ...options, ...credentials } })
    }
    if (choice.sentinel) {
      return redis.createSentinel({
        name: choice.sentinel.name,
        sentinelRootNodes: choice.sentinel.nodes.map(node => {
          const { hostname, port } = new URL(node)
          return { host: hostname, port: Number(port || 26379) }
        }),
        nodeClientOptions: { ...options, ...credentials },
        RESP: 3,
      })
    }
    return redis.createClient({ ...options, url, emitInvalidate: true })
  }
}

function readCredentials(url: string): { username?: string; password?: string } {
  const { username, password } = new URL(url)
  return {
    ...(username ? { username: decodeURIComponent(username) } : {}),
    ...(password ? { password: decodeURIComponent(password) } : {}),
  }
}
