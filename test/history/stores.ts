// The stores that a run can have: a SQLite file, one Redis that is killed and comes back with its disk,
// or three under a sentinel that changes the master.

import { type RedisServer, startRedis, startSentinel } from '../vault/redis-server.ts'
import { startTcpProxy } from '../vault/tcp-proxy.ts'
import type { ConfigDocument } from '../world/world.ts'

export const storeKinds = ['sqlite', 'redis', 'sentinel'] as const
export type StoreKind = (typeof storeKinds)[number]

export interface Store {
  /** Of the process with this number. */
  configure(document: ConfigDocument, process: number): void
  /** Makes the connections of a process to it silent; they stay open. */
  silence?: (process: number) => void
  /** Takes it away for a moment; none where that is the disk's business. */
  fail?: () => Promise<void>
  close(): Promise<void>
}

const AWAY_MS = 300

/** Starts the store of a run. */
export async function startStore(kind: StoreKind, processes: number): Promise<Store> {
  if (kind === 'sqlite') return { configure() {}, close: async () => {} }
  if (kind === 'sentinel') return await startWatched()
  const redis = await startRedis()
  const lines = await Promise.all(
    Array.from({ length: processes }, () => startTcpProxy(redis.port)),
  )
  return {
    configure(document, process) {
      document.vault = { kind: 'redis', url: `redis://127.0.0.1:${lines[process]?.port}` }
    },
    silence: process => lines[process]?.silence(),
    async fail() {
      await redis.kill()
      await pause(AWAY_MS)
      await redis.start()
    },
    async close() {
      await Promise.all(lines.map(line => line.close()))
      await redis.close()
    },
  }
}

async function startWatched(): Promise<Store> {
  const first = await startRedis()
  const replicaOf = ['--replicaof', '127.0.0.1', `${first.port}`]
  const servers = [first, await startRedis(replicaOf), await startRedis(replicaOf)]
  const sentinel = await startSentinel(first)
  return {
    configure(document) {
      document.vault = {
        kind: 'redis',
        url: 'redis://127.0.0.1:1',
        sentinel: { name: 'vault', nodes: [sentinel.url] },
        waitReplicas: 1,
      }
    },
    async fail() {
      const master = await findMaster(sentinel, servers)
      await master.kill()
      for (let tries = 0; tries < 100; tries++) {
        if ((await findMaster(sentinel, servers)) !== master) break
        await pause(100)
      }
      await master.start()
    },
    async close() {
      await Promise.all([sentinel, ...servers].map(server => server.close()))
    },
  }
}

async function findMaster(sentinel: RedisServer, servers: RedisServer[]): Promise<RedisServer> {
  const answer = await sentinel.command('sentinel', 'get-master-addr-by-name', 'vault')
  return servers.find(({ port }) => answer.includes(`${port}`)) ?? (servers[0] as RedisServer)
}

async function pause(milliseconds: number): Promise<void> {
  await new Promise(done => setTimeout(done, milliseconds))
}
