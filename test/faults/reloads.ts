// Reads the configuration anew, round after round under load, every fifth time a faulty one, and counts whatever a
// user would have noticed: `npm run test:reload -- --rounds 100`.

import { get } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { logIn } from '../flow/login.ts'
import { createBrowser } from '../world/browser.ts'
import { until } from '../world/eventually.ts'
import { type Reloading, startReloading } from './reloading.ts'

export interface ReloadReport {
  reloads: number
  /** Of them faulty, each of which was refused with its place. */
  faulty: number
  reads: number
  failedReads: number
  /** Answers that were read slowly, across reloads. */
  streams: number
  tornStreams: number
  logins: number
  failedLogins: number
  sessions: number
  lostSessions: number
  /** Heap and buffers that are held after a tenth of the rounds and at the end, in MB. */
  heldMb: { warm: number; end: number }
  descriptors: { before: number; end: number }
}

/** The service must be this one, which says how much it holds. */
export const WEIGHED_BROKER = 'test/faults/weighed-broker.ts'

const PATIENTS = ['amy-shaw', 'ben-ortega', 'elena-rossi']
const READERS = 4
const SLOW_READERS = 3

/** Runs the rounds against a service and reports; throws where a reload answers otherwise than it should. */
export async function reloadUnderLoad(service: Reloading, rounds: number): Promise<ReloadReport> {
  const { app, sandbox } = service
  const users = await Promise.all(
    PATIENTS.map(async patient => {
      const browser = createBrowser()
      return { browser, session: await logIn({ app, sandbox }, browser, patient) }
    }),
  )
  const counts = {
    reads: 0,
    failedReads: 0,
    streams: 0,
    tornStreams: 0,
    logins: 0,
    failedLogins: 0,
  }
  let isOver = false
  const load = Promise.all([
    ...Array.from({ length: READERS }, (_, i) => repeat(() => read(i))),
    ...Array.from({ length: SLOW_READERS }, (_, i) => repeat(() => readSlowly(i))),
    repeat(logInAndPause),
  ])

  const good = service.read()
  const descriptors = { before: service.descriptors(), end: 0 }
  const heldMb = { warm: 0, end: 0 }
  let faulty = 0
  for (let round = 1; round <= rounds; round++) {
    const isFaulty = round % 5 === 0
    if (isFaulty) faulty++
    service.restore(good)
    service.change(document => {
      document.ehrs[0].name = `Round ${round}`
      if (isFaulty) document.ehrs[0].scope = 7
    })
    await reloadOnce(round, isFaulty)
    if (round === Math.ceil(rounds / 10)) heldMb.warm = await weigh()
  }
  service.restore(good)
  // Every kind of work has met the last generation too.
  const seen = { ...counts }
  await until(() => counts.reads > seen.reads + 20 && counts.streams > seen.streams)
  isOver = true
  await load
  const states = await Promise.all(
    users.map(({ browser, session }) => browser.fetch(`${app}/sessions/${session.id}`)),
  )
  // What the generations held is given back.
  await until(() => service.descriptors() <= descriptors.before + 10)
  heldMb.end = await weigh()
  descriptors.end = service.descriptors()
  return {
    ...{ reloads: rounds, faulty, ...counts, sessions: users.length, heldMb, descriptors },
    lostSessions: states.filter(({ status }) => status !== 200).length,
  }

  async function repeat(work: () => Promise<void>): Promise<void> {
    while (!isOver) await work()
  }

  async function reloadOnce(round: number, isFaulty: boolean): Promise<void> {
    const { status, text } = await service.reload()
    const isRefused =
      status === 422 && /\.yaml:\d+:\d+/.test(text) && text.includes('ehrs[0].scope')
    if (isFaulty ? !isRefused : status !== 200) throw new Error(`round ${round}: ${status} ${text}`)
    const [name] = await service.names()
    const kept = isFaulty ? round - 1 : round
    if (name !== `Round ${kept}`) throw new Error(`round ${round}: ${name} is in force`)
  }

  async function read(i: number): Promise<void> {
    const { browser, session } = at(i)
    const answer = await browser.fetch(
      `${session.fhirBaseUrl}/Patient/${PATIENTS[i % PATIENTS.length]}`,
    )
    counts.reads++
    if (answer.status !== 200) counts.failedReads++
    browser.history.length = 0
    await pause(2)
  }

  async function readSlowly(i: number): Promise<void> {
    const { browser, session } = at(i)
    const cookie = [...browser.cookies(app)].map(pair => pair.join('=')).join('; ')
    const text = await takeSlowly(`${session.fhirBaseUrl}/Observation?_count=1000`, cookie)
    counts.streams++
    if (!isBundle(text)) counts.tornStreams++
  }

  async function logInAndPause(): Promise<void> {
    counts.logins++
    await logIn({ app, sandbox }, createBrowser(), 'amy-shaw').catch(() => counts.failedLogins++)
    await pause(50)
  }

  function at(i: number) {
    return users[i % users.length] as (typeof users)[number]
  }

  async function weigh(): Promise<number> {
    const words = () => service.output().match(/holds \d+ bytes/g) ?? []
    const before = words().length
    service.broker.process().kill('SIGWINCH')
    await until(() => words().length > before)
    const bytes = Number(/\d+/.exec(words().at(-1) ?? '')?.[0])
    return Math.round(bytes / 1e5) / 10
  }
}

/** The whole of an answer, taken a piece at a time; what came of it where it broke off. */
function takeSlowly(url: string, cookie: string): Promise<string> {
  return new Promise(resolve => {
    let text = ''
    const done = () => resolve(text)
    get(url, { agent: false, headers: { cookie, 'sec-fetch-site': 'same-origin' } }, answer => {
      answer.setEncoding('utf8')
      answer.on('data', (piece: string) => {
        text += piece
        answer.pause()
        setTimeout(() => answer.resume(), 20)
      })
      answer.on('end', done).on('error', done)
    }).on('error', done)
  })
}

function isBundle(text: string): boolean {
  try {
    return JSON.parse(text).entry.length > 50
  } catch {
    return false
  }
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { rounds: { type: 'string', default: '100' } } })
  const service = await startReloading({ program: WEIGHED_BROKER })
  try {
    const report = await reloadUnderLoad(service, Number(values.rounds))
    process.stdout.write(`${JSON.stringify(report, null, 2)}\n`)
    const { failedReads, tornStreams, failedLogins, lostSessions } = report
    process.exitCode = failedReads + tornStreams + failedLogins + lostSessions > 0 ? 1 : 0
  } finally {
    await service.close()
  }
}
