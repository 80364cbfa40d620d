// npm run bench:attack: what another user feels while everything that is known to be costly is sent at
// once. A broker process as an operator starts it, an honest and a hostile EHR, an attacker and a probe,
// each a process of its own; first quiet, then under attack, in one run. Prints, and asserts nothing.
//   --seconds N     length of the quiet part and of the attack (20)
//   --only NAME     this input alone; may be given several times
//   --each          every input alone, a few seconds each, to see which one it is

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { logIn } from '../test/flow/login.ts'
import { type Broker, createBroker } from '../test/world/broker.ts'
import { createBrowser } from '../test/world/browser.ts'
import { registerFaces } from '../test/world/ehrs.ts'
import { findPort } from '../test/world/port.ts'
import type { Aim, Session } from './attack/aim.ts'
import { buildInputs } from './attack/inputs.ts'
import type { Probed } from './attack/probe.ts'
import type { Tally } from './attack/socket.ts'
import { cpuSeconds, isInstalled, pinSelf, residentMiB, startProcess } from './processes.ts'

const LARGE_SESSIONS = 300
const EACH_SECONDS = 5
/** For the attacker to make its bodies. */
const READY_MS = 8_000
const BROKER_CORE = 0
const OTHER_CORE = 1

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '20' },
    only: { type: 'string', multiple: true, default: [] },
    each: { type: 'boolean', default: false },
  },
})
pinSelf(OTHER_CORE)
const ends: (() => Promise<unknown>)[] = []
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => void cleanUp().then(() => process.exit(1)))
}
try {
  await run()
} finally {
  await cleanUp()
}

async function run(): Promise<void> {
  const { broker, aim } = await prepare()
  print(
    `${cpus().length} × ${cpus()[0]?.model}, ${new Date().toISOString().slice(0, 10)}, Node ${process.version}`,
  )
  print(
    '\n| | | p50 ms | p99 ms | max ms | asked | no 200 |\n| --- | --- | --- | --- | --- | --- | --- |',
  )
  const seconds = Number(values.seconds)
  printRows('quiet', await probe({ ...aim, seconds }))
  if (values.each) {
    for (const { name } of buildInputs()) {
      await attack(broker, { ...aim, seconds: EACH_SECONDS, only: [name] }, name)
    }
    return
  }
  const tallies = await attack(broker, { ...aim, seconds, only: values.only }, 'under attack')
  print('\n| input | answers |\n| --- | --- |')
  for (const [name, tally] of Object.entries(tallies)) print(`| ${name} | ${printTally(tally)} |`)
}

/** Starts everything, and logs everybody in. */
async function prepare(): Promise<{ broker: Broker; aim: Aim }> {
  const port = await findPort()
  const app = `http://localhost:${port}`
  const honest = await startEhr(app, 'target')
  const hostile = await startEhr(app, 'hostile')
  const broker = createBroker({
    ...{ app, sandbox: honest },
    through: isInstalled('taskset') ? ['taskset', '-c', `${BROKER_CORE}`] : [],
    env: { NODE_OPTIONS: '--max-semi-space-size=16' },
    configure(document) {
      document.listen.host = '127.0.0.1'
      document.log = { level: 'error' }
      registerFaces(document, honest, ['target'])
      registerFaces(document, hostile, ['hostile', 'large', 'metadata'], { origins: [hostile] })
    },
  })
  ends.unshift(() => broker.close())
  await broker.start()
  const places = { app, sandbox: { url: honest } }
  async function open(ehr: string, user: string): Promise<Session> {
    const browser = createBrowser()
    const patient = `amy-shaw&user=${user}`
    const { fhirBaseUrl } = await logIn(places, browser, patient, `ehr=${ehr}`)
    const cookie = [...browser.cookies(app)].map(pair => pair.join('=')).join('; ')
    return { cookie, path: new URL(fhirBaseUrl).pathname }
  }
  const large: Session[] = []
  for (let i = 0; i < LARGE_SESSIONS; i++) large.push(await open('large', 'practitioner'))
  const aim: Aim = {
    ...{ port, host: `localhost:${port}`, large, startsAt: 0, seconds: 0, only: [] },
    target: await open('target', 'practitioner'),
    hostile: await open('hostile', 'practitioner'),
    victim: await open('target', 'nurse'),
  }
  return { broker, aim }
}

async function startEhr(app: string, which: string): Promise<string> {
  const port = await findPort()
  const args = ['bench/attack/ehr.ts', `${port}`, app, which]
  const running = await startProcess({ command: process.execPath, args, port, core: OTHER_CORE })
  ends.push(() => running.stop())
  return `http://127.0.0.1:${port}`
}

/** Probes while the attacker sends; prints what came of it, and gives the attacker's tallies. */
async function attack(broker: Broker, plan: Aim, name: string): Promise<Record<string, Tally>> {
  const aim = { ...plan, startsAt: Date.now() + READY_MS }
  let rssMiB = 0
  const watch = setInterval(() => {
    rssMiB = Math.max(rssMiB, residentMiB(broker.pid()))
  }, 250)
  const cpu = cpuSeconds(broker.pid())
  const attacking = start<Record<string, Tally>>('attacker', aim)
  const probed = await probe(aim)
  const tallies = await attacking
  clearInterval(watch)
  const load = (cpuSeconds(broker.pid()) - cpu) / aim.seconds
  printRows(name, probed, `${Math.round(rssMiB)} MiB, ${load.toFixed(1)} cores`)
  if (!(await isAlive(broker))) throw new Error(`the broker is gone: ${broker.output.join('')}`)
  return tallies
}

function probe(aim: Aim): Promise<Record<string, Probed>> {
  return start<Record<string, Probed>>('probe', aim)
}

/** Runs a process of the attack to its end, and gives what it printed. */
async function start<T>(name: string, aim: Aim): Promise<T> {
  const file = `${import.meta.dirname}/attack/${name}.ts`
  const child = spawn(process.execPath, [file, JSON.stringify(aim)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  ends.push(async () => child.kill('SIGKILL'))
  const [[status], text] = await Promise.all([once(child, 'exit'), child.stdout.toArray()])
  if (status !== 0) throw new Error(`the ${name} ended with ${status}`)
  return JSON.parse(Buffer.concat(text).toString()) as T
}

async function isAlive({ app }: Broker): Promise<boolean> {
  const answer = await fetch(`${app.replace('localhost', '127.0.0.1')}/healthz`).catch(
    () => undefined,
  )
  return answer?.ok ?? false
}

function printRows(name: string, results: Record<string, Probed>, more = ''): void {
  for (const [asked, { times, failures }] of Object.entries(results)) {
    const sorted = times.toSorted((a, b) => a - b)
    const at = (share: number) => (sorted[Math.floor(share * (sorted.length - 1))] ?? 0).toFixed(1)
    const cells = [name, asked, at(0.5), at(0.99), at(1), times.length, printTally(failures)]
    print(`| ${cells.join(' | ')} |`)
  }
  if (more) print(`| | ${more} | | | | | |`)
}

function printTally(tally: Tally): string {
  const counts = Object.entries(tally).map(([status, count]) => `${count} × ${status}`)
  return counts.join(', ') || '0'
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}

async function cleanUp(): Promise<void> {
  await Promise.allSettled(ends.splice(0).map(end => end()))
}
