// Private redis-servers on free ports, for tests that want to kill them: alone, as a cluster, under a
// sentinel. Where the program is missing this is said loudly, and is a failure where CI is set.

import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process'
import { mkdtemp, writeFile } from 'node:fs/promises'
import { createConnection } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { adopt, end } from '../world/children.ts'
import { until } from '../world/eventually.ts'
import { removeFolder } from '../world/folder.ts'
import { findPort } from '../world/port.ts'

export interface RedisServer {
  url: string
  port: number
  /** kill -9; `start` begins again with what the disk has. */
  kill(): Promise<void>
  start(): Promise<void>
  /** Stops the process where it stands, and lets it go on. */
  pause(): void
  resume(): void
  /** One command by redis-cli. */
  command(...words: string[]): Promise<string>
  close(): Promise<void>
}

/** What a server may take, in milliseconds, on a machine that has much else to do. */
const PATIENCE_MS = 60_000

/** True when redis-server is there. */
export function hasRedis(): boolean {
  if (spawnSync('redis-server', ['--version']).status === 0) return true
  const message = 'redis-server is missing: install the package redis-server'
  if (process.env.CI) throw new Error(message)
  console.error(`\n*** ${message}; its tests are skipped ***\n`)
  return false
}

/** Starts a server that keeps every write on disk, unless `args` say otherwise. */
export async function startRedis(args: readonly string[] = []): Promise<RedisServer> {
  return await startProcess(async (port, folder) => [
    ...['--port', `${port}`, '--bind', '127.0.0.1', '--dir', folder, '--save', ''],
    ...['--appendonly', 'yes', '--appendfsync', 'always', ...args],
  ])
}

/** Starts three servers that share the slots of one cluster. */
export async function startRedisCluster(): Promise<RedisServer[]> {
  const args = ['--cluster-enabled', 'yes', '--appendonly', 'no']
  // The usual bus port, ten thousand higher, may be in use.
  const start = async () => await startRedis([...args, '--cluster-port', `${await findPort()}`])
  const servers = await Promise.all([1, 2, 3].map(start))
  const nodes = servers.map(({ port }) => `127.0.0.1:${port}`)
  await redisCli('--cluster', 'create', ...nodes, '--cluster-yes')
  for (const server of servers) {
    await until(async () => (await server.command('cluster', 'info')).includes('cluster_state:ok'))
  }
  return servers
}

/** Starts a sentinel that watches one server under the name `vault`. */
export async function startSentinel(watched: RedisServer): Promise<RedisServer> {
  return await startProcess(async (port, folder) => {
    const file = join(folder, 'sentinel.conf')
    await writeFile(
      file,
      `port ${port}
bind 127.0.0.1
dir ${folder}
sentinel monitor vault 127.0.0.1 ${watched.port} 1
sentinel down-after-milliseconds vault 300
sentinel failover-timeout vault 2000
`,
    )
    return [file, '--sentinel']
  })
}

async function startProcess(
  buildArgs: (port: number, folder: string) => Promise<string[]>,
): Promise<RedisServer> {
  const folder = await mkdtemp(join(tmpdir(), 'fhirstorm-redis-'))
  const port = await findPort()
  const args = await buildArgs(port, folder)
  let server: ChildProcess | undefined
  await start()
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    kill,
    start,
    pause: () => void server?.kill('SIGSTOP'),
    resume: () => void server?.kill('SIGCONT'),
    command: (...words) => redisCli('-p', `${port}`, ...words),
    async close() {
      await kill()
      removeFolder(folder)
    },
  }

  async function start(): Promise<void> {
    server = adopt(spawn('redis-server', args, { stdio: 'ignore' }))
    await answers(port)
  }

  async function kill(): Promise<void> {
    if (server) await end(server, 'SIGKILL')
  }
}

async function redisCli(...args: string[]): Promise<string> {
  return (await promisify(execFile)('redis-cli', args, { timeout: PATIENCE_MS })).stdout
}

async function answers(port: number): Promise<void> {
  await until(async () => {
    const socket = createConnection(port, '127.0.0.1')
    const { promise, resolve } = Promise.withResolvers<boolean>()
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    const connected = await promise
    socket.destroy()
    return connected
  })
}
