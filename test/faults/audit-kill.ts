// Kills the broker with -9 at random moments under load, round after round, with an audit without which nothing is
// acknowledged, and holds it to that: each login, read, write and logout that somebody got an answer to has its
// event in the file, whose chain is whole. Seeded: `npm run test:audit -- --rounds 200 --seed 1`.

import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { startSandbox } from '../../sandbox/sandbox.ts'
import { chainPath, countChains, listAside } from '../../src/audit/chain-files.ts'
import { deriveSealKeys } from '../../src/audit/seal-keys.ts'
import { createSealJudge } from '../../src/audit/seals.ts'
import { verifyChains } from '../../src/audit/verify.ts'
import { parseKeyRing } from '../../src/keys.ts'
import { buildSigningKeySet } from '../../src/signing-keys.ts'
import { type Json, requestIdOf, summarize } from '../audit/held-sink.ts'
import { type LoggedIn, logIn } from '../flow/login.ts'
import { createBroker, makeFolder } from '../world/broker.ts'
import { type Browser, createBrowser } from '../world/browser.ts'
import { removeFolder } from '../world/folder.ts'
import { findPort } from '../world/port.ts'
import { createRandom } from './random.ts'

export interface AuditKillReport {
  rounds: number
  seed: number
  /** What was acknowledged. */
  logins: number
  reads: number
  writes: number
  logouts: number
  /** Requests that have an event, acknowledged or not. */
  requests: number
  /** Acknowledged acts and calls without an event. */
  missing: number
  /** Sessions that were used and whose login has no event. */
  strangers: number
}

interface Held {
  browser: Browser
  session: LoggedIn
  isOver: boolean
}

const WORKERS = 6
const PATIENTS = ['amy-shaw', 'ben-ortega', 'elena-rossi']

/** Runs the rounds and reports; throws where the world breaks, or the chain of the file. */
export async function killWithAudit(rounds: number, seed: number): Promise<AuditKillReport> {
  const random = createRandom(seed)
  const app = `http://localhost:${await findPort()}`
  const sandbox = await startSandbox({ port: 0, appUrl: app })
  const folder = makeFolder()
  const path = join(folder, 'audit.ndjson')
  const broker = createBroker({
    ...{ app, sandbox: sandbox.url, folder },
    configure(document) {
      document.audit = { sink: 'file', path, rotateBytes: 262_144, failClosed: true }
    },
  })
  const world = { app, sandbox }
  const held: Held[] = []
  /** By request id, what its event has to say. */
  const acknowledged = new Map<string, string>()
  const done = { logins: 0, reads: 0, writes: 0, logouts: 0 }
  try {
    await broker.start()
    for (let round = 0; round < rounds; round++) {
      let running = true
      const workers = Array.from({ length: WORKERS }, async () => {
        while (running) await act().catch(() => undefined)
      })
      // By work done, not by time: a busy machine does as much before it dies.
      const target = countDone() + 5 + Math.floor(random() * 30)
      while (countDone() < target) await wait(2)
      await wait(random() * 20)
      await broker.kill()
      running = false
      await Promise.all(workers)
      await broker.start()
    }
    await broker.stop()
    const { events, strangers } = await readEvents(path, folder)
    const missing = [...acknowledged].filter(([id, told]) => !events.get(id)?.includes(told))
    return { rounds, seed, ...done, requests: events.size, missing: missing.length, strangers }
  } finally {
    await broker.close()
    await sandbox.close()
    removeFolder(folder)
  }

  function countDone(): number {
    return Object.values(done).reduce((sum, count) => sum + count)
  }

  async function act(): Promise<void> {
    const live = held.filter(({ isOver }) => !isOver)
    const one = live[Math.floor(random() * live.length)]
    const choice = random()
    if (choice < 0.15 || !one) await enter()
    else if (choice < 0.6) await read(one)
    else if (choice < 0.9) await write(one)
    else await leave(one)
  }

  async function enter(): Promise<void> {
    const browser = createBrowser()
    const patient = PATIENTS[Math.floor(random() * PATIENTS.length)] as string
    const session = await logIn(world, browser, patient)
    held.push({ browser, session, isOver: false })
    done.logins++
  }

  async function read({ browser, session }: Held): Promise<void> {
    const answer = await browser.fetch(`${session.fhirBaseUrl}/Patient?_count=1`)
    if (answer.status !== 200) return
    acknowledged.set(answer.headers.get('x-request-id') ?? '', 'search-type 0')
    done.reads++
  }

  async function write({ browser, session }: Held): Promise<void> {
    const answer = await browser.fetch(`${session.fhirBaseUrl}/Observation`, {
      method: 'POST',
      headers: { 'content-type': 'application/fhir+json' },
      body: '{"resourceType":"Observation","status":"final","code":{"text":"x"}}',
    })
    // Whatever the EHR said to it, it was asked; what we refuse ourselves is no acknowledgement.
    if (answer.headers.get('proxy-status') !== null) return
    const outcome = answer.status < 400 ? 0 : 4
    acknowledged.set(answer.headers.get('x-request-id') ?? '', `create ${outcome}`)
    done.writes++
  }

  async function leave(one: Held): Promise<void> {
    one.isOver = true
    const url = `${app}/sessions/${one.session.id}`
    const answer = await one.browser.fetch(url, { method: 'DELETE' })
    if (answer.status !== 200) return
    acknowledged.set(answer.headers.get('x-request-id') ?? '', '110123 0')
    done.logouts++
  }
}

interface Found {
  /** What the events of a request say, by its id. */
  events: Map<string, string[]>
  /** Pseudonyms of sessions that were used, and had no login. */
  strangers: number
}

/** Everything in the files; throws where their chain is not whole, or not sealed by this service. */
async function readEvents(path: string, folder: string): Promise<Found> {
  const ring = parseKeyRing(readFileSync(join(folder, 'keys.json'), 'utf8'))
  const { keys } = buildSigningKeySet(deriveSealKeys(ring))
  for (const { fault, file } of await verifyChains(path, { judge: createSealJudge(keys) })) {
    if (fault) throw new Error(`${file}: line ${fault.line} is ${fault.reason}`)
  }
  const events = new Map<string, string[]>()
  const [entered, used] = [new Set<string>(), new Set<string>()]
  for (const file of await listFiles(path)) {
    for (const line of readFileSync(file, 'utf8').split('\n')) {
      const { event } = (line === '' ? {} : JSON.parse(line)) as { event?: Json }
      if (event === undefined) continue
      const [told, id] = [summarize(event), requestIdOf(event) ?? '']
      events.set(id, [...(events.get(id) ?? []), told])
      const session = /urn:fhirstorm:session:([\w-]+)/.exec(line)?.[1]
      if (session !== undefined) (told.startsWith('ITI-71') ? entered : used).add(session)
    }
  }
  return { events, strangers: [...used].filter(session => !entered.has(session)).length }
}

/** Of each chain: a process that finds the first one taken begins another. */
async function listFiles(path: string): Promise<string[]> {
  const files: string[] = []
  for (let number = await countChains(path); number-- > 0; ) {
    const own = chainPath(path, number)
    files.push(...(await listAside(own)).map(aside => aside.path))
    if (existsSync(own)) files.push(own)
  }
  return files
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: '200' },
      seed: { type: 'string', default: '1' },
    },
  })
  const report = await killWithAudit(Number(values.rounds), Number(values.seed))
  process.stdout.write(`${JSON.stringify(report, null, 2)}\n`)
  process.exitCode = report.missing + report.strangers > 0 ? 1 : 0
}
