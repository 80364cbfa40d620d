// What streams of session events cost, and how soon an ending is heard: so many streams at one process, memory read
// from the kernel before and after, beside as many of a bare node:http server; then sessions are ended one after the
// other, by one request each: to the same process, or to another one over the same Redis.
//   node bench/events.ts [--streams 10000] [--endings 200] [--across]

import { fork } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, rmSync } from 'node:fs'
import { get, type IncomingMessage } from 'node:http'
import { parseArgs } from 'node:util'
import { Pool } from 'undici'
import { startSandbox } from '../sandbox/sandbox.ts'
import { logIn } from '../test/flow/login.ts'
import { startRedis } from '../test/vault/redis-server.ts'
import { type Broker, createBroker, makeFolder } from '../test/world/broker.ts'
import { createBrowser } from '../test/world/browser.ts'
import { findPort } from '../test/world/port.ts'

const { values } = parseArgs({
  options: {
    streams: { type: 'string', default: '10000' },
    endings: { type: 'string', default: '200' },
    across: { type: 'boolean', default: false },
  },
})
const streams = Number(values.streams)
const PER_SESSION = 32
const WARM_UP = 500
const SETTLE_MS = 3_000

const port = await findPort()
const app = `http://localhost:${port}`
const sandbox = await startSandbox({ port: 0, appUrl: app })
const redis = values.across ? await startRedis() : undefined
const folder = makeFolder()
const broker = await begin(port)
const endingPort = values.across ? await findPort() : port
const other = values.across ? await begin(endingPort) : undefined
/** Where sessions are ended. */
const ending = new Pool(`http://127.0.0.1:${endingPort}`)

interface Held {
  id: string
  cookie: string
  /** Streams that have heard of the end, and when the last one did. */
  heard: number
  lastAt: number
}

try {
  const bare = await measureBare()
  console.log(`${bare.toFixed(1)} KB each of a bare node:http server`)
  const sessions: Held[] = []
  while (sessions.length < Math.ceil(streams / PER_SESSION)) {
    const browser = createBrowser()
    const { id } = await logIn({ app, sandbox }, browser, 'amy-shaw')
    const cookie = [...browser.cookies(app)].map(pair => pair.join('=')).join('; ')
    sessions.push({ id, cookie, heard: 0, lastAt: 0 })
    if (sessions.length % 50 === 0) console.log(`${sessions.length} sessions`)
  }
  await settle()
  const own = await measureStreams(broker.pid(), at =>
    listen(app, sessions[Math.floor(at / PER_SESSION)] as Held),
  )
  console.log(`${own.toFixed(1)} KB each: ${(own / bare).toFixed(2)} × a bare one`)
  const waits: number[] = []
  for (const one of sessions.slice(0, Number(values.endings))) {
    const begun = performance.now()
    const headers = { host: new URL(app).host, cookie: one.cookie, 'x-csrf': '1' }
    const asked = { method: 'DELETE', path: `/sessions/${one.id}`, headers } as const
    const { statusCode, body } = await ending.request(asked)
    if (statusCode !== 200) throw new Error(`${statusCode} ${await body.text()}`)
    await body.dump()
    while (one.heard < PER_SESSION) await settle(1)
    waits.push(one.lastAt - begun)
  }
  waits.sort((a, b) => a - b)
  const at = (share: number) => waits[Math.floor(share * (waits.length - 1))]?.toFixed(1)
  console.log(`${waits.length} endings, until the last of ${PER_SESSION} tabs has heard of it:`)
  console.log(`p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, most ${at(1)} ms`)
} finally {
  for (const one of [broker, other]) await one?.close()
  await sandbox.close()
  await redis?.close()
  rmSync(folder, { recursive: true, force: true, maxRetries: 10 })
}
process.exit()

async function begin(own: number): Promise<Broker> {
  const begun = createBroker({
    ...{ app, sandbox: sandbox.url, folder, port: own },
    configure(document) {
      if (redis) document.vault = { kind: 'redis', url: redis.url }
      document.limits = {
        connections: { all: streams + 1_000, perAddress: streams + 1_000 },
        sessionStreams: { perSession: PER_SESSION, all: streams },
        logins: { requestsPerAddress: 100_000, perAddress: 100_000, perEhr: 100_000, all: 100_000 },
      }
    },
  })
  await begun.start()
  return begun
}

/** Kilobytes of each stream. */
async function measureStreams(pid: number, open: (at: number) => Promise<void>): Promise<number> {
  const before = readMemory(pid)
  for (let opened = 0; opened < streams; opened += 100) {
    const size = Math.min(100, streams - opened)
    await Promise.all(Array.from({ length: size }, (_, at) => open(opened + at)))
    if (opened % 1_000 === 0) console.log(`${opened} streams`)
  }
  await settle()
  return (readMemory(pid) - before) / streams
}

async function measureBare(): Promise<number> {
  const session = { id: '', cookie: 'x'.repeat(200), heard: 0, lastAt: 0 }
  const port = await findPort()
  const path = new URL('servers/streams.js', import.meta.url)
  const env = { ...process.env, PORT: `${port}` }
  const server = fork(path, { env, execArgv: [] })
  await once(server, 'message')
  const origin = `http://localhost:${port}`
  for (let i = 0; i < WARM_UP; i++) (await openStream(origin, session)).destroy()
  await settle()
  return await measureStreams(server.pid as number, () => listen(origin, session)).finally(() =>
    server.kill(),
  )
}

async function listen(origin: string, session: Held): Promise<void> {
  const answer = await openStream(origin, session)
  let isOver = false
  answer.setEncoding('utf8').on('data', (text: string) => {
    if (isOver || !text.includes('event: ended')) return
    isOver = true
    session.heard++
    session.lastAt = performance.now()
  })
  await once(answer, 'data')
}

async function openStream(origin: string, { cookie }: Held): Promise<IncomingMessage> {
  const headers = { cookie, accept: 'text/event-stream', 'sec-fetch-site': 'same-origin' }
  const asked = get(`${origin}/sessions/events`, { headers, agent: false })
  const [answer] = (await once(asked, 'response')) as [IncomingMessage]
  if (answer.statusCode !== 200) throw new Error(`a stream was refused with ${answer.statusCode}`)
  return answer
}

/** Kilobytes that the process holds. */
function readMemory(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1])
}

async function settle(milliseconds = SETTLE_MS): Promise<void> {
  await new Promise(done => setTimeout(done, milliseconds))
}
