// What the vault costs with many sessions in it: memory, file, start, sweep, and the CPU of each step
// that a request or a login takes, through the session store that the product uses.
//   node bench/vault.ts [--rows 100000] [--folder DIR] [--json FILE]

import { fork } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { buildKeyMarks, makeKeyRing, parseKeyRing, printKeyRing } from '../src/keys.ts'
import { createBrowserSessions } from '../src/session/same-browser.ts'
import { createRecordSealer } from '../src/session/sealer.ts'
import type { OpenSession, Ticket } from '../src/session/session.ts'
import { createSessionStore } from '../src/session/store.ts'
import type { TokenSet } from '../src/smart/types.ts'
import { openVault } from '../src/vault/open.ts'

const HOUR = 3_600_000
const PAYLOAD_BYTES = 2_800
const BATCHES = 20

interface Figure {
  name: string
  value: number
  unit: string
  goal?: string
}

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '100000' },
    folder: { type: 'string', default: tmpdir() },
    json: { type: 'string' },
    role: { type: 'string' },
  },
})
const rows = Number(values.rows)

if (values.role === 'fill') await fill(values.folder)
else if (values.role === 'measure') process.send?.(await measure(values.folder))
else await run()

// Each step has a process of its own, so that the memory of one is not counted for the other.
async function run(): Promise<void> {
  const folder = await mkdtemp(join(values.folder, 'fhirstorm-bench-'))
  try {
    await inProcess('fill', folder)
    const figures = (await inProcess('measure', folder)) as Figure[]
    print(figures)
    if (values.json) await writeFile(values.json, `${JSON.stringify({ rows, figures }, null, 2)}\n`)
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 10 })
  }
}

async function inProcess(role: string, folder: string): Promise<unknown> {
  const args = ['--role', role, '--folder', folder, '--rows', String(rows)]
  const child = fork(fileURLToPath(import.meta.url), args, { execArgv: ['--expose-gc'] })
  let answer: unknown
  child.on('message', message => {
    answer = message
  })
  const [code] = await once(child, 'exit')
  if (code !== 0) throw new Error(`the process that should ${role} failed`)
  return answer
}

async function open(folder: string, clock: { ahead: number }) {
  const keysFile = join(folder, 'keys.json')
  const text = await readFile(keysFile, 'utf8').catch(async () => {
    const made = printKeyRing(makeKeyRing(Date.now(), randomBytes))
    await writeFile(keysFile, made, { mode: 0o600 })
    return made
  })
  const ring = parseKeyRing(text)
  const now = () => Date.now() + clock.ahead
  const began = performance.now()
  const choice = { kind: 'sqlite', path: join(folder, 'data', 'vault.db') } as const
  const { vault } = await openVault(choice, buildKeyMarks(ring), now)
  const startMs = performance.now() - began
  const sealer = createRecordSealer(ring)
  const limits = { idleMs: 12 * HOUR, absoluteMs: 12 * HOUR }
  const store = createSessionStore({ vault, sealer, now, randomBytes, ...limits })
  const rules = { perBrowser: 8, onUserChange: 'end' } as const
  const browsers = createBrowserSessions({ vault, store, sealer, rules, now })
  return { vault, store, browsers, now, startMs }
}

async function fill(folder: string): Promise<void> {
  const { vault, store, browsers, now } = await open(folder, { ahead: 0 })
  const tickets: Ticket[] = []
  for (let i = 0; i < rows; i++) {
    const browser = randomBytes(16).toString('base64url')
    const made = await store.begin('https://ehr.example.org', buildTokens(now(), i), browser, 'ehr')
    await browsers.noteTicket(browser, made)
    tickets.push(made.ticket)
  }
  await writeFile(join(folder, 'tickets.json'), JSON.stringify(tickets))
  await vault.close()
}

async function measure(folder: string): Promise<Figure[]> {
  const path = join(folder, 'data', 'vault.db')
  checkpoint(path)
  const fileMb = (await stat(path)).size / 1e6
  const clock = { ahead: 0 }
  const { vault, store, now, startMs } = await open(folder, clock)
  const tickets = JSON.parse(await readFile(join(folder, 'tickets.json'), 'utf8')) as Ticket[]
  shuffle(tickets)
  const hot = tickets.slice(-1_000)
  const opened: OpenSession[] = []

  for (const ticket of hot) opened.push(await store.open(ticket, { slide: false }))
  const inUseMb = process.memoryUsage.rss() / 1e6
  // Each in a turn of the event loop of its own, as requests that come one by one.
  const turn = await cost(50_000, () => nextTurn())
  const again = await cost(50_000, async i => {
    await nextTurn()
    store.open(hot[i % hot.length] as Ticket, { slide: false })
  })
  const other = new DatabaseSync(path)
  const elsewhere = other.prepare('UPDATE record SET last_used_at = last_used_at WHERE no = 1')
  const write = await cost(5_000, async () => {
    await nextTurn()
    elsewhere.run()
  })
  const moved = await cost(5_000, async i => {
    await nextTurn()
    elsewhere.run()
    store.open(hot[i % hot.length] as Ticket, { slide: false })
  })
  other.close()
  const touch = await cost(hot.length, async i => {
    await vault.touch(opened[i]?.recordId as string, now(), now() + HOUR)
  })
  const refresh = await cost(hot.length, async i => {
    await store.replace(opened[i] as OpenSession, buildTokens(now(), i))
  })
  const login = await cost(Math.min(1_000, rows), async i => {
    await store.begin('https://ehr.example.org', buildTokens(now(), i), `browser-${i}`, 'ehr')
  })
  const first = await cost(rows - hot.length, async i => {
    await store.open(tickets[i] as Ticket, { slide: false })
  })
  const burstMb = process.memoryUsage.rss() / 1e6
  clock.ahead = 13 * HOUR
  const sweep = await cost(1, async () => {
    while ((await vault.sweep()) > 0);
  })
  await vault.close()

  return [
    { name: 'file after a checkpoint', value: fileMb, unit: 'MB', goal: '< 450' },
    { name: 'start', value: startMs, unit: 'ms', goal: '< 1000' },
    { name: 'memory, a thousand sessions in use', value: inUseMb, unit: 'MB', goal: '< 200' },
    { name: 'memory, every session opened at once', value: burstMb, unit: 'MB' },
    { name: 'session read and opened', value: first.cpu, unit: 'µs CPU', goal: '≤ 40' },
    {
      name: 'session from the coherent cache',
      value: again.cpu - turn.cpu,
      unit: 'µs CPU',
      goal: '≤ 8',
    },
    { name: 'the same, another process writing', value: moved.cpu - write.cpu, unit: 'µs CPU' },
    { name: 'touch', value: touch.cpu, unit: 'µs CPU' },
    { name: 'refresh, one fsynced write', value: refresh.elapsed, unit: 'µs' },
    { name: 'refresh, slowest of a thousand', value: refresh.slowest / 1_000, unit: 'ms' },
    { name: 'login, one fsynced write', value: login.elapsed, unit: 'µs' },
    { name: 'sweeping everything', value: sweep.elapsed / 1e6, unit: 's' },
  ]
}

/** Microseconds of one step: CPU and elapsed of the batches least disturbed, and the slowest step. */
async function cost(count: number, step: (i: number) => Promise<void> | void) {
  const size = Math.ceil(count / BATCHES)
  const batches: { cpu: number; elapsed: number }[] = []
  let slowest = 0
  for (let done = 0; done < count; done += size) {
    const steps = Math.min(size, count - done)
    const cpu = process.cpuUsage()
    const began = performance.now()
    for (let i = done; i < done + steps; i++) {
      const from = performance.now()
      const waiting = step(i)
      if (waiting) await waiting
      slowest = Math.max(slowest, performance.now() - from)
    }
    const { user, system } = process.cpuUsage(cpu)
    const elapsed = ((performance.now() - began) * 1_000) / steps
    batches.push({ cpu: (user + system) / steps, elapsed })
  }
  const quartile = (pick: (batch: { cpu: number; elapsed: number }) => number) =>
    batches.map(pick).sort((a, b) => a - b)[Math.floor(batches.length / 4)] ?? 0
  return {
    cpu: quartile(({ cpu }) => cpu),
    elapsed: quartile(({ elapsed }) => elapsed),
    slowest: slowest * 1_000,
  }
}

function checkpoint(path: string): void {
  const db = new DatabaseSync(path)
  db.exec('PRAGMA wal_checkpoint(TRUNCATE)')
  db.close()
}

/** A token set that makes a session of the usual size. */
function buildTokens(now: number, i: number): TokenSet {
  const random = (size: number) => randomBytes(size).toString('base64url').slice(0, size)
  const tokens: TokenSet = {
    tokenType: 'Bearer',
    accessToken: random(1_200),
    accessTokenExpiresAt: now + HOUR,
    accessTokenLifetimeMs: HOUR,
    refreshToken: '',
    identity: { iss: 'https://ehr.example.org', sub: `user-${i}`, sid: `login-${i}` },
    requestedScope: 'launch openid fhirUser offline_access patient/*.rs',
    grantedScope: 'launch openid fhirUser offline_access patient/*.rs',
    context: { patient: `patient-${i}`, fhirContext: [], needPatientBanner: true, extras: {} },
    warnings: [],
  }
  const rest = PAYLOAD_BYTES - 200 - JSON.stringify(tokens).length
  return { ...tokens, refreshToken: random(rest) }
}

function shuffle<T>(list: T[]): void {
  for (let i = list.length - 1; i > 0; i--) {
    const j = Math.floor(Math.random() * (i + 1))
    ;[list[i], list[j]] = [list[j] as T, list[i] as T]
  }
}

function print(figures: readonly Figure[]): void {
  console.log(`${rows} sessions of ${PAYLOAD_BYTES} bytes, SQLite\n`)
  for (const { name, value, unit, goal = '' } of figures) {
    const shown = value >= 100 ? value.toFixed(0) : value.toFixed(1)
    console.log(`${name.padEnd(40)}${shown.padStart(10)} ${unit.padEnd(8)}${goal}`)
  }
}
