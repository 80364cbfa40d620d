// The product as a process of its own, started as an operator starts it, so that tests can kill it.

import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { get as getHttp } from 'node:http'
import { get as getHttps } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parse, stringify } from 'yaml'
import { buildDemoConfig } from '../../sandbox/demo-config.ts'
import { makeKeyRing, printKeyRing } from '../../src/keys.ts'
import { adopt, end } from './children.ts'
import { makeProcessFolder, removeFolder } from './folder.ts'
import type { ConfigDocument } from './world.ts'

export interface Broker {
  /** Public URL. */
  app: string
  output: string[]
  /** The process that runs; its output is read into `output`. */
  process(): ChildProcess
  pid(): number
  start(): Promise<void>
  /** kill -9. */
  kill(): Promise<void>
  /** SIGTERM; the exit status. */
  stop(): Promise<number | null>
  close(): Promise<void>
}

export interface BrokerOptions {
  app: string
  sandbox: string
  configure?: (document: ConfigDocument) => void
  /** Folder of keys and vault that several processes share; one of its own unless given. */
  folder?: string
  /** Port to listen on, where it is not the public URL's. */
  port?: number
  /** Added to the environment at each start. */
  env?: Record<string, string>
  /** What is started instead of the product's own command. */
  program?: string
  /** A command that starts the rest of its words, such as `unshare -m`. */
  through?: readonly string[]
}

/** What a start may take, in milliseconds, on a machine that has much else to do. */
const START_MS = 120_000

/** A folder with keys, for one or more processes; below `parent` where one is given. */
export function makeFolder(parent = tmpdir()): string {
  const folder = makeProcessFolder('fhirstorm-broker-', parent)
  const ring = printKeyRing(makeKeyRing(Date.now(), randomBytes))
  writeFileSync(join(folder, 'keys.json'), ring, { mode: 0o600 })
  return folder
}

/** Starts brokers one after the other; where one fails all is closed, and that is the error. */
export async function startAll(
  brokers: readonly Pick<Broker, 'start'>[],
  close: () => Promise<void>,
): Promise<void> {
  try {
    for (const broker of brokers) await broker.start()
  } catch (error) {
    await close()
    throw error
  }
}

/** A broker that is not started yet. */
export function createBroker(options: BrokerOptions): Broker {
  const { app, sandbox, folder = makeFolder(), env = {}, program = 'bin/fhirstorm.js' } = options
  const { through = [] } = options
  const port = options.port ?? Number(new URL(app).port)
  const file = join(folder, `fhirstorm-${port}.yaml`)
  const document = parse(
    buildDemoConfig({
      app,
      sandbox,
      keysFile: join(folder, 'keys.json'),
      vault: join(folder, 'vault.db'),
      site: join(folder, 'site'),
    }),
  ) as ConfigDocument
  document.listen.port = port
  document.frontend = {}
  options.configure?.(document)
  writeFileSync(file, stringify(document), { mode: 0o600 })
  const output: string[] = []
  let child: ChildProcess | undefined

  return {
    app,
    output,
    pid: () => child?.pid ?? 0,
    process: () => child as ChildProcess,
    start,
    kill,
    stop,
    close,
  }

  async function start(): Promise<void> {
    const words = [...through, process.execPath, program, 'start', '--config', file]
    const started = adopt(
      spawn(words[0] as string, words.slice(1), {
        env: { ...process.env, ...env },
        stdio: ['ignore', 'pipe', 'pipe'],
      }),
    )
    child = started
    for (const stream of [started.stdout, started.stderr]) {
      stream.on('data', chunk => output.push(String(chunk)))
    }
    for (const until = Date.now() + START_MS; Date.now() < until; ) {
      if (started.exitCode !== null || started.signalCode !== null)
        throw new Error(`the broker ended: ${output.join('')}`)
      if (await isReady(`${new URL(app).protocol}//localhost:${port}/readyz`)) return
      await new Promise(done => setTimeout(done, 25))
    }
    throw new Error(`the broker does not answer: ${output.join('')}`)
  }

  async function kill(): Promise<void> {
    if (child) await end(child, 'SIGKILL')
  }

  async function stop(): Promise<number | null> {
    return child ? await end(child, 'SIGTERM') : null
  }

  async function close(): Promise<void> {
    await kill()
    if (options.folder === undefined) removeFolder(folder)
  }
}

function isReady(url: string): Promise<boolean> {
  return new Promise(done => {
    const get = url.startsWith('https:') ? getHttps : getHttp
    const asked = get(url, { rejectUnauthorized: false, timeout: START_MS }, answer => {
      answer.resume()
      done(answer.statusCode === 200)
    })
    asked.on('timeout', () => asked.destroy()).on('error', () => done(false))
  })
}
