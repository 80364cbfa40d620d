// A private redis-server on a free port, for tests that want to kill it. Missing: said loudly, and a
// failure where CI is set.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createConnection } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { findPort } from '../world/port.ts'

export interface RedisServer {
  url: string
  port: number
  /** kill -9, and start again with what the disk has. */
  kill(): Promise<void>
  start(): Promise<void>
  pause(): void
  resume(): void
  close(): Promise<void>
}

/** True when redis-server is there; says so loudly and skips the test when it is not. */
export function hasRedis(t?: TestContext): boolean {
  if (spawnSync('redis-server', ['--version']).status === 0) return true
  const message = "redis-server is missing: install Debian's package redis-server"
  if (process.env.CI) throw new Error(message)
  console.error(`\n*** ${message}; its tests are skipped ***\n`)
  t?.skip(message)
  return false
}

/** Starts a private server that keeps every write on disk. */
export async function startRedis(args: string[] = []): Promise<RedisServer> {
  const folder = await mkdtemp(join(tmpdir(), 'fhirstorm-redis-'))
  const port = await findPort()
  let server: ChildProcess | undefined
  await start()
  return { url: `redis://127.0.0.1:${port}`, port, kill, start, pause, resume, close }

  async function start(): Promise<void> {
    server = spawn(
      'redis-server',
      [
        ...['--port', `${port}`, '--bind', '127.0.0.1', '--dir', folder, '--save', ''],
        ...['--appendonly', 'yes', '--appendfsync', 'always', '--daemonize', 'no', ...args],
      ],
      { stdio: 'ignore' },
    )
    await answers(port)
  }

  async function kill(): Promise<void> {
    if (!server || server.exitCode !== null || server.signalCode !== null) return
    const ended = once(server, 'exit')
    server.kill('SIGKILL')
    await ended
  }

  function pause(): void {
    server?.kill('SIGSTOP')
  }

  function resume(): void {
    server?.kill('SIGCONT')
  }

  async function close(): Promise<void> {
    await kill()
    await rm(folder, { recursive: true, force: true })
  }
}

async function answers(port: number): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    const socket = createConnection(port, '127.0.0.1')
    const connected = await new Promise(done => {
      socket.once('connect', () => done(true)).once('error', () => done(false))
    })
    socket.destroy()
    if (connected) return
    await new Promise(done => setTimeout(done, 25))
  }
  throw new Error('redis-server does not answer')
}
