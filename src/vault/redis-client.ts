// The three ways to stand Redis or Valkey up (one server, a cluster, sentinels) behind one small face.
// TLS, user, password and database come from the URL, for every node. Nothing waits for a connection
// that is not there, reconnecting never ends, and a silent peer is given up after three seconds.

import type { RedisVaultChoice } from './redis-choice.ts'

type Redis = typeof import('redis')
export type Command = readonly (string | Buffer)[]

/** A channel of the store's, and who hears what is said there. */
export interface Listening {
  channel: string
  hear: (message: string) => void
}

export interface RedisClient {
  connect(): Promise<unknown>
  destroy(): unknown
  onError(listener: (error: unknown) => void): void
  /** Tells of keys that were read through this client and have changed; without a key, any may have. */
  onChange(listener: (key?: string) => void): void
  /** Listens to a channel on the same connection, also after it was made anew; where there is only one. */
  listen?(listening: Listening): Promise<void>
  /** Sends a command to the node of this key. */
  send(key: string, command: Command, asBytes: boolean): Promise<unknown>
}

const CONNECT_MS = 2_000
const SILENCE_MS = 3_000
const PING_MS = 1_000

/** Builds a client that is not connected yet. */
export function buildRedisClient(redis: Redis, choice: RedisVaultChoice): RedisClient {
  if (choice.cluster) return buildCluster(redis, choice, choice.cluster)
  if (choice.sentinel) return buildSentinel(redis, choice, choice.sentinel)
  return buildSingle(redis, choice)
}

function buildSingle(redis: Redis, choice: RedisVaultChoice): RedisClient {
  const node = readNode(choice.url, choice.ca)
  const client = redis.createClient({ ...shared, ...node, clientSideCache })
  return {
    connect: () => client.connect(),
    destroy: () => client.destroy(),
    onError: listener => void client.on('error', listener),
    send: (_key, command, asBytes) => client.sendCommand(command, optionsFor(redis, asBytes)),
    onChange: listener => tellOfChanges(client.clientSideCache, listener),
    listen: ({ channel, hear }) => client.subscribe(channel, hear),
  }
}

function buildCluster(
  redis: Redis,
  choice: RedisVaultChoice,
  others: readonly string[],
): RedisClient {
  const { socket, ...node } = readNode(choice.url, choice.ca)
  const { host: _host, port: _port, ...security } = socket
  const client = redis.createCluster({
    RESP: 3,
    clientSideCache,
    commandOptions: shared.commandOptions,
    rootNodes: [choice.url, ...others].map(url => {
      const { host, port } = readNode(url, choice.ca).socket
      return { socket: { host, port } }
    }),
    defaults: { ...shared, ...node, socket: security },
    topologyRefreshOnReconnectionAttemptStrategy: PING_MS,
  })
  return {
    connect: () => client.connect(),
    destroy: () => client.destroy(),
    onError: listener => void client.on('error', listener).on('node-error', listener),
    send: (key, command, asBytes) =>
      client.sendCommand(key, false, [...command], optionsFor(redis, asBytes)),
    onChange: listener => tellOfChanges(client.clientSideCache, listener),
  }
}

function buildSentinel(
  redis: Redis,
  choice: RedisVaultChoice,
  { name, nodes }: NonNullable<RedisVaultChoice['sentinel']>,
): RedisClient {
  const { socket, ...node } = readNode(choice.url, choice.ca)
  const { host: _host, port: _port, ...security } = socket
  const sentinels = nodes.map(url => readNode(url, choice.ca, 26_379))
  const client = redis.createSentinel({
    name,
    RESP: 3,
    clientSideCache,
    commandOptions: shared.commandOptions,
    sentinelRootNodes: sentinels.map(({ socket: { host, port } }) => ({ host, port })),
    sentinelClientOptions: {
      username: sentinels[0]?.username,
      password: sentinels[0]?.password,
      socket: security,
      maintNotifications: 'disabled',
    },
    nodeClientOptions: { ...shared, ...node, socket: security },
  })
  return {
    connect: () => client.connect(),
    destroy: () => client.destroy(),
    onError: listener => void client.on('error', listener),
    send: (_key, command, asBytes) =>
      client.sendCommand(false, [...command], optionsFor(redis, asBytes)),
    onChange: listener => tellOfChanges(client.clientSideCache, listener),
  }
}

const shared = {
  RESP: 3,
  maintNotifications: 'disabled',
  disableOfflineQueue: true,
  // The deadline is ours, and counts until the answer; the library's ends when the command is sent.
  commandOptions: { timeout: 0 },
  pingInterval: PING_MS,
} as const

// Switches tracking on. The library's own cache stays empty: each hit in it would cost a promise and a
// deep copy, and the vault keeps what it needs.
const clientSideCache = { recordStats: false }

function tellOfChanges(
  cache: { on(event: 'invalidate', told: (key: unknown) => void): unknown } | undefined,
  listener: (key?: string) => void,
): void {
  cache?.on('invalidate', key => (key === null ? listener() : listener(String(key))))
}

function optionsFor({ RESP_TYPES }: Redis, asBytes: boolean) {
  return asBytes ? { typeMapping: { [RESP_TYPES.BLOB_STRING]: Buffer } } : undefined
}

function readNode(url: string, ca: string | undefined, usualPort = 6379) {
  const { protocol, hostname, port, username, password, pathname } = new URL(url)
  // Whatever the environment says of either.
  const verified = { rejectUnauthorized: true, minVersion: 'TLSv1.2' } as const
  const tls = protocol === 'rediss:' ? { tls: true as const, ca, ...verified } : {}
  return {
    username: decodeURIComponent(username) || undefined,
    password: decodeURIComponent(password) || undefined,
    database: Number(pathname.slice(1)) || undefined,
    socket: {
      host: hostname.replace(/^\[|\]$/g, ''),
      port: Number(port) || usualPort,
      connectTimeout: CONNECT_MS,
      socketTimeout: SILENCE_MS,
      reconnectStrategy: (tries: number) => Math.min(50 * 2 ** tries, 1_000),
      ...tls,
    },
  }
}
