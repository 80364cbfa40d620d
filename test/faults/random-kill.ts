// Kills the broker with -9 at random moments under load, round after round, and holds it to what it has
// acknowledged: sessions that were given work, sessions that were ended do not. Seeded, so that a run
// can be repeated: `npm run test:faults -- --rounds 500 --seed 1`.

import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { startSandbox } from '../../sandbox/sandbox.ts'
import { type LoggedIn, logIn } from '../flow/login.ts'
import { createBroker } from '../world/broker.ts'
import { type Browser, createBrowser } from '../world/browser.ts'
import { findPort } from '../world/port.ts'
import { createRandom } from './random.ts'

export interface KillReport {
  rounds: number
  seed: number
  logins: number
  reads: number
  logouts: number
  /** Acknowledged sessions that did not work after a restart. */
  lost: number
  /** Acknowledged endings that were undone. */
  revived: number
}

interface Held {
  browser: Browser
  session: LoggedIn
  state: 'live' | 'ending' | 'ended'
}

const PATIENTS = ['amy-shaw', 'ben-ortega', 'elena-rossi']
const WORKERS = 4

/** Runs the rounds and reports; throws only when the world itself breaks. */
export async function killAtRandom(rounds: number, seed: number): Promise<KillReport> {
  const random = createRandom(seed)
  const app = `http://localhost:${await findPort()}`
  const sandbox = await startSandbox({ port: 0, appUrl: app })
  const broker = createBroker({ app, sandbox: sandbox.url })
  const world = { app, sandbox }
  const held: Held[] = []
  const report = { rounds, seed, logins: 0, reads: 0, logouts: 0, lost: 0, revived: 0 }
  try {
    await broker.start()
    for (let round = 0; round < rounds; round++) {
      let running = true
      const workers = Array.from({ length: WORKERS }, async () => {
        while (running) await act().catch(() => undefined)
      })
      // By work and not by time: a slow machine gets as far in a round as a fast one.
      const enough = countWork() + 1 + Math.floor(random() * 12)
      while (countWork() < enough) await new Promise(done => setTimeout(done, 5))
      await new Promise(done => setTimeout(done, random() * 50))
      await broker.kill()
      running = false
      await Promise.all(workers)
      await broker.start()
      await judge()
    }
  } finally {
    await broker.close()
    await sandbox.close()
  }
  return report

  function countWork(): number {
    return report.logins + report.reads + report.logouts
  }

  async function act(): Promise<void> {
    const choice = random()
    const live = held.filter(({ state }) => state === 'live')
    const one = live[Math.floor(random() * live.length)]
    if (choice < 0.4 || !one) {
      const browser = createBrowser()
      const patient = PATIENTS[Math.floor(random() * PATIENTS.length)] as string
      const session = await logIn(world, browser, patient)
      held.push({ browser, session, state: 'live' })
      report.logins++
    } else if (choice < 0.9) {
      const { status } = await one.browser.fetch(`${one.session.fhirBaseUrl}/Patient`)
      // Another worker may have ended it meanwhile.
      if (status === 401 && one.state === 'live') report.lost++
      report.reads++
    } else {
      one.state = 'ending'
      const url = `${app}/sessions/${one.session.id}`
      const { status } = await one.browser.fetch(url, { method: 'DELETE' })
      if (status === 200) one.state = 'ended'
      report.logouts++
    }
  }

  // Endings that were not acknowledged may have happened or not.
  async function judge(): Promise<void> {
    const judged = held.filter(({ state }) => state !== 'ending').slice(-60)
    await Promise.all(
      judged.map(async ({ browser, session, state }) => {
        const { status } = await browser.fetch(`${session.fhirBaseUrl}/Patient?_count=1`)
        if (state === 'live' && status !== 200) report.lost++
        if (state === 'ended' && status !== 401) report.revived++
      }),
    )
  }
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: '100' },
      seed: { type: 'string', default: '1' },
      report: { type: 'string' },
    },
  })
  const report = await killAtRandom(Number(values.rounds), Number(values.seed))
  const text = `${JSON.stringify(report, null, 2)}\n`
  process.stdout.write(text)
  if (values.report) writeFileSync(values.report, text)
  process.exitCode = report.lost + report.revived > 0 ? 1 : 0
}
