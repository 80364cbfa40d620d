// The stores that a run can have: a SQLite file, one Redis that is killed and comes back with its disk,
// or three under a sentinel that changes the master. The first two lie on a disk that can be full.

import { type RedisServer, startRedis, startSentinel } from '../vault/redis-server.ts'
import { startTcpProxy } from '../vault/tcp-proxy.ts'
import { makeFolder } from '../world/broker.ts'
import type { ConfigDocument } from '../world/world.ts'
import { type Disk, makeDisk } from './disk.ts'

export const storeKinds = ['sqlite', 'redis', 'sentinel'] as const
export type StoreKind = (typeof storeKinds)[number]

export interface Store {
  /** Machines that can share it: a SQLite file has one. */
  machines: number
  /** Where the processes of a machine may keep what they have. */
  folder?: string
  /** Of a process of this machine. */
  configure(document: ConfigDocument, machine: number): void
  /** Makes the connections of a machine to it silent; they stay open. */
  silence?: (machine: number) => void
  /** Takes it away for a moment; none where that is the disk's business. */
  fail?: () => Promise<void>
  /** Its disk is full for so many milliseconds; true where that has ended it, and it was started again. */
  fillDisk?: (milliseconds: number) => Promise<boolean>
  close(): Promise<void>
}

const AWAY_MS = 300
const [SQLITE_MIB, REDIS_MIB] = [32, 128]

/** Starts the store of a run. */
export async function startStore(kind: StoreKind, machines: number): Promise<Store> {
  if (kind === 'sqlite') return startFile()
  return kind === 'redis' ? await startServer(machines) : await startWatched(machines)
}

function startFile(): Store {
  const disk = makeDisk(SQLITE_MIB)
  return {
    machines: 1,
    folder: disk && makeFolder(disk.folder),
    configure() {},
    fillDisk: disk && (async milliseconds => await fillFor(disk, milliseconds).then(() => false)),
    async close() {
      disk?.close()
    },
  }
}

async function startServer(machines: number): Promise<Store> {
  const disk = makeDisk(REDIS_MIB)
  const small = ['--auto-aof-rewrite-min-size', '8mb']
  const redis = await startRedis(disk ? ['--dir', disk.folder, ...small] : small)
  const lines = await Promise.all(Array.from({ length: machines }, () => startTcpProxy(redis.port)))
  const restart = async () => {
    await redis.kill()
    await pause(AWAY_MS)
    await redis.start()
  }
  return {
    machines,
    configure(document, machine) {
      document.vault = { kind: 'redis', url: `redis://127.0.0.1:${lines[machine]?.port}` }
    },
    silence: machine => lines[machine]?.silence(),
    fail: restart,
    fillDisk:
      disk &&
      (async milliseconds => {
        await fillFor(disk, milliseconds)
        // One that must write each command before its answer ends where it cannot.
        if (await redis.command('ping').catch(() => '')) return false
        await restart()
        return true
      }),
    async close() {
      await Promise.all(lines.map(line => line.close()))
      await redis.close()
      disk?.close()
    },
  }
}

async function startWatched(machines: number): Promise<Store> {
  const first = await startRedis()
  const replicaOf = ['--replicaof', '127.0.0.1', `${first.port}`]
  const servers = [first, await startRedis(replicaOf), await startRedis(replicaOf)]
  const sentinel = await startSentinel(first)
  return {
    machines,
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

async function fillFor(disk: Disk, milliseconds: number): Promise<void> {
  disk.fill()
  try {
    await pause(milliseconds)
  } finally {
    disk.clear()
  }
}

async function findMaster(sentinel: RedisServer, servers: RedisServer[]): Promise<RedisServer> {
  const answer = await sentinel.command('sentinel', 'get-master-addr-by-name', 'vault')
  return servers.find(({ port }) => answer.includes(`${port}`)) ?? (servers[0] as RedisServer)
}

async function pause(milliseconds: number): Promise<void> {
  await new Promise(done => setTimeout(done, milliseconds))
}
