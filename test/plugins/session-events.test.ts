// Streams of events alone in a bare Fastify: how many there may be, how much waits for one that is not read, and
// how often a vault that is slow is asked.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { get, type IncomingMessage, type ServerResponse } from 'node:http'
import { type TestContext, test } from 'node:test'
import sessionEvents from '../../plugins/session-events.ts'
import { BrokerError } from '../../src/errors.ts'
import type { EventLimits } from '../../src/limits.ts'
import { buildStore, buildTokens, ISS } from '../session/sessions.ts'
import { buildBareApp } from './alone.ts'

async function build(t: TestContext, limits: Partial<EventLimits> = {}, embedded = false) {
  /** The sessions of a request are found once this is over. */
  let looking: Promise<void> | undefined
  const { clock, vault, store } = buildStore()
  const open = await store.begin(ISS, buildTokens(clock.now()), 'browser', 'general')
  const app = buildBareApp({
    ...{ smartVault: vault, smartSessions: store },
    smartGuard: {
      check(_request: unknown, how?: { embedded?: boolean }) {
        if (how?.embedded) throw new BrokerError('csrf_header_missing')
      },
      corsHeaders: () => [],
    },
    smartTickets: {
      async openAll({ headers }: { headers: object }) {
        await looking
        return { live: 'cookie' in headers ? [open] : [] }
      },
    },
  })
  t.after(() => app.close())
  const opened: ServerResponse[] = []
  app.addHook('onRequest', async (_request, reply) => void opened.push(reply.raw))
  const publicUrl = 'https://app.example.org'
  const ehrs = [{ id: 'general', embedded }]
  await app.register(sessionEvents, { publicUrl, ehrs, limits })
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  /** Listens, and gives what is heard and what it is written to. */
  async function listen(headers: Record<string, string> = { cookie: 'of the session' }) {
    const asked = get(`${url}/sessions/events`, { headers, agent: false })
    const [heard] = (await once(asked, 'response')) as [IncomingMessage]
    heard.on('error', () => {})
    return { heard, raw: opened.at(-1) as ServerResponse }
  }
  /** Asks, and is gone before its sessions are found. */
  async function leaveEarly() {
    const found = Promise.withResolvers<void>()
    looking = found.promise
    const before = opened.length
    const asked = get(`${url}/sessions/events`, { headers: { cookie: 'c' }, agent: false })
    asked.on('error', () => {})
    while (opened.length === before) await new Promise(setImmediate)
    const isOver = once(opened.at(-1) as ServerResponse, 'close')
    asked.destroy()
    await isOver
    looking = undefined
    found.resolve()
    await new Promise(setImmediate)
  }
  return { app, vault, listen, leaveEarly }
}

test('[EV3] one session has only so many streams, and all together only so many', async t => {
  const { listen } = await build(t, { perSession: 2, all: 3 })
  const tell = ({ heard }: { heard: IncomingMessage }) => heard.statusCode
  const first = await listen()
  assert.deepEqual([tell(first), tell(await listen()), tell(await listen())], [200, 200, 429])
  assert.deepEqual([tell(await listen({})), tell(await listen({}))], [200, 503])
  const isOver = once(first.raw, 'close')
  first.heard.destroy()
  await isOver
  assert.deepEqual([tell(await listen()), tell(await listen())], [200, 429])
})

test('[K17, EV3] of sessions in an EHR’s frame nobody hears whom a form of another site could be', async t => {
  const { listen } = await build(t, {}, true)
  assert.equal((await listen()).heard.statusCode, 403)
  assert.equal((await listen({})).heard.statusCode, 200)
})

test('[EV3] streams of callers without a session keep nobody out who has one', async t => {
  const { listen } = await build(t, { perSession: 3, all: 2 })
  const strangers = [await listen({}), await listen({})]
  const ended = strangers.map(({ raw }) => once(raw, 'close'))
  assert.equal((await listen({})).heard.statusCode, 503)
  const own = await listen()
  assert.equal(own.heard.statusCode, 200)
  await ended[0]
  assert.ok(!strangers[1]?.raw.destroyed)
  assert.equal((await listen({})).heard.statusCode, 503)
  assert.equal((await listen()).heard.statusCode, 200)
  await ended[1]
  assert.equal((await listen()).heard.statusCode, 503)
  assert.ok(!own.raw.destroyed)
})

test('[EV3] whoever leaves before the sessions are found takes no place', async t => {
  const { listen, leaveEarly } = await build(t, { perSession: 2, all: 2 })
  for (let i = 0; i < 3; i++) await leaveEarly()
  assert.equal((await listen()).heard.statusCode, 200)
  assert.equal((await listen()).heard.statusCode, 200)
})

test('[EV3] a stream that is not read ends before much waits for it, and nothing is written behind its end', async t => {
  const { app, listen } = await build(t)
  const { heard, raw } = await listen()
  const { smartAvailability: availability } = app
  assert.ok(availability)
  // In one turn of the event loop nothing is read.
  let most = 0
  for (let i = 0; i < 10_000 && !raw.destroyed; i++) {
    availability.learn('general', i % 2 === 0)
    most = Math.max(most, raw.writableLength)
  }
  assert.ok(raw.destroyed)
  assert.ok(most < 128 * 1024, `${most} bytes waited`)
  let written = 0
  raw.write = () => {
    written++
    return true
  }
  availability.learn('general', !availability.isDown('general'))
  assert.equal(written, 0)
  heard.destroy()

  const reader = await listen()
  reader.heard.resume()
  for (let i = 0; i < 5_000; i++) {
    availability.learn('general', i % 2 === 0)
    if (i % 100 === 0) await new Promise(setImmediate)
  }
  assert.ok(!reader.raw.destroyed)
})

test('[EV2] a vault that is slow is asked again when it has answered, and not before', async t => {
  t.mock.timers.enable({ apis: ['setInterval'] })
  const { vault, listen } = await build(t)
  let asked = 0
  const answered = Promise.withResolvers<void>()
  const { head } = vault
  vault.head = async id => {
    asked++
    await answered.promise
    return await head(id)
  }
  await listen()
  for (let i = 0; i < 8; i++) t.mock.timers.tick(250)
  assert.equal(asked, 1)
  answered.resolve()
  await new Promise(setImmediate)
  await new Promise(setImmediate)
  t.mock.timers.tick(250)
  assert.equal(asked, 2)
})
