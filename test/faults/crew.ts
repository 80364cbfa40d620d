// One service of several processes over a sandbox, its workers as the system sees them, and readers that do not
// stop: each with a connection of its own, so that all workers have something to do.

import { readdirSync, readFileSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import type { SandboxOptions } from '../../sandbox/sandbox.ts'
import type { Browser } from '../world/browser.ts'
import { until } from '../world/eventually.ts'
import { type ProcessWorld, startProcessWorld } from '../world/process-world.ts'
import { findSamples, readSamples } from '../world/scrape.ts'
import type { ConfigDocument } from '../world/world.ts'

export interface Crew extends ProcessWorld {
  /** Sum of a metric's samples with these labels. */
  metric(name: string, labels?: Record<string, string>): Promise<number>
}

export interface CrewOptions {
  processes: number
  configure?: (document: ConfigDocument, sandboxUrl: string) => void
  sandbox?: Partial<SandboxOptions>
}

/** Starts a service with so many workers, and waits until all of them serve. */
export async function startCrew(options: CrewOptions): Promise<Crew> {
  const { processes, configure } = options
  const world = await startProcessWorld({
    sandbox: options.sandbox,
    configure(document, sandboxUrl) {
      Object.assign(document, { processes, log: { level: 'info' } })
      configure?.(document, sandboxUrl)
    },
  })
  const crew: Crew = {
    ...world,
    async metric(name, labels) {
      // No connection is kept to a worker that is killed meanwhile.
      const headers = { connection: 'close' }
      const text = await (await fetch(`${world.admin}/metrics`, { headers })).text()
      const samples = findSamples(readSamples(text), name, labels)
      return samples.reduce((sum, { value }) => sum + value, 0)
    },
    async close() {
      // A test may have put another in its place.
      await crew.sandbox.close()
      await world.close()
    },
  }
  try {
    await until(() => isServing(crew, processes))
    return crew
  } catch (error) {
    await crew.close()
    throw error
  }
}

/** Whether so many workers serve, and no other is there. */
export async function isServing(
  { broker, metric }: Pick<Crew, 'broker' | 'metric'>,
  count: number,
): Promise<boolean> {
  if (listWorkers(broker.pid()).length !== count) return false
  return (await metric('fhirstorm_workers').catch(() => 0)) === count
}

/** Process ids of the workers, the oldest first. */
export function listWorkers(primary: number): number[] {
  const pids = readdirSync('/proc').filter(name => /^\d+$/.test(name))
  return pids
    .map(Number)
    .filter(pid => parentOf(pid) === primary)
    .sort((a, b) => a - b)
}

/** Whether the process is there, and no mere remainder. */
export function isAlive(pid: number): boolean {
  return parentOf(pid) !== undefined
}

function parentOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return state === 'Z' ? undefined : Number(parent)
  } catch {
    return undefined
  }
}

export interface Load {
  /** Answers so far, by status. */
  statuses: Map<number, number>
  /** Requests without an answer. */
  torn: number
  count(): number
  /** Rejects nothing; the last answers have come. */
  end(): Promise<void>
}

/** So many readers of these addresses, by the browser's cookies. */
export function startLoad(browser: Browser, urls: readonly string[], readers: number): Load {
  let isOver = false
  const load: Load = {
    statuses: new Map(),
    torn: 0,
    count: () => [...load.statuses.values()].reduce((sum, count) => sum + count, 0),
    async end() {
      isOver = true
      await all
    },
  }
  const all = Promise.all(Array.from({ length: readers }, (_, i) => read(i)))
  return load

  async function read(first: number): Promise<void> {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    for (let turn = first; !isOver; turn++) {
      const status = await ask(urls[turn % urls.length] as string, browser, agent)
      if (status === undefined) load.torn++
      else load.statuses.set(status, (load.statuses.get(status) ?? 0) + 1)
      // A whole machine is not to be asked at once.
      await pause(20)
    }
    agent.destroy()
  }
}

/** The status of a read, or undefined where no whole answer came. */
export async function ask(
  url: string,
  browser: Browser,
  agent?: Agent,
): Promise<number | undefined> {
  const cookie = [...browser.cookies(url)].map(pair => pair.join('=')).join('; ')
  const headers = { cookie, 'sec-fetch-site': 'same-origin' }
  return await new Promise(done => {
    const sent = request(url, { agent: agent ?? false, headers }, answer => {
      answer.resume()
      answer.on('error', () => done(undefined))
      answer.on('close', () => done(answer.complete ? answer.statusCode : undefined))
    })
    sent.on('error', () => done(undefined)).end()
  })
}
