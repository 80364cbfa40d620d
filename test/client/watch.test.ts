// The watch over real HTTP: by the stream of events, by polling where there is none, and by several
// clients of one browser, for which Node has the same locks and channels.

import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { type Client, createClient, type WatchEvent } from '../../client/index.ts'
import { until } from '../world/eventually.ts'
import { type Prepared, startPrepared } from './prepared.ts'
import { buildSession } from './session.ts'

const one = 'AAAAAAAAAAAAAAAAAAAAAA'
const two = 'BBBBBBBBBBBBBBBBBBBBBB'

describe('the watch of the client', () => {
  let server: Prepared
  let stops: (() => void)[]
  beforeEach(async () => {
    server = await startPrepared()
    server.sessions = [buildSession({ id: one }), buildSession({ id: two, ehr: 'other' })]
    stops = []
  })
  afterEach(async () => {
    for (const stop of stops) stop()
    await server.stop().catch(() => undefined)
  })

  /** A client that watches, and what it has heard. */
  function watch(options = {}): { client: Client; heard: WatchEvent[] } {
    const client = createClient({ baseUrl: server.url, pollSeconds: 0.05, ...options })
    const heard: WatchEvent[] = []
    stops.push(client.watch(event => heard.push(event)))
    return { client, heard }
  }

  const live = (client: Client) => client.store.getSnapshot().sessions.map(({ id }) => id)
  const streamsAsked = () => server.asked.filter(({ path }) => path === '/sessions/events').length

  test('asks nothing before somebody subscribes, and nothing after the last one has gone', async () => {
    const client = createClient({ baseUrl: server.url })
    assert.equal(client.store.getSnapshot().state, 'unknown')
    assert.equal(server.asked.length, 0)
    const unsubscribe = client.store.subscribe(() => undefined)
    await until(() => client.store.getSnapshot().state === 'known')
    unsubscribe()
    await until(() => server.streams === 0)
  })

  test('hears by the stream what the server says, each once', async () => {
    const { client, heard } = watch()
    await until(() => live(client).length === 2)
    const renewal = { id: one, at: '2026-01-01T00:00:00.000Z' }
    for (let twice = 0; twice < 2; twice++) {
      server.say('renewed', renewal)
      server.say('ehr', { ehr: 'general', state: 'down' })
      server.say('what comes later', { id: one })
      server.say('ended', { id: one, reason: 'operator' })
    }
    server.say('ehr', { ehr: 'general', state: 'up' })
    server.say('expiring', { id: two })
    await until(() => heard.at(-1)?.type === 'expiring')
    assert.deepEqual(
      heard.map(({ type }) => type),
      ['sessions', 'renewed', 'ehr', 'ended', 'ehr', 'expiring'],
    )
    const { ended, renewals, ehrsDown } = client.store.getSnapshot()
    assert.deepEqual(ended, [{ id: one, reason: 'operator' }])
    assert.deepEqual(renewals, [{ ...renewal, tokenExpiresAt: undefined }])
    assert.deepEqual(ehrsDown, [])
    assert.deepEqual(live(client), [two])
    assert.equal(server.asked.length, 1)
  })

  test('takes a broken stream up again, and knows what has ended meanwhile', async () => {
    const { client } = watch()
    await until(() => live(client).length === 2 && server.streams === 1)
    server.sessions.shift()
    server.cut()
    await until(() => live(client).length === 1)
    await until(() => server.streams === 1)
    assert.deepEqual(client.store.getSnapshot().ended, [{ id: one, reason: 'unknown' }])
  })

  test('[EV1] a session that ended in the second in which it began is asked for until that is known', async () => {
    // As if all that follows came within that second.
    const createdAt = new Date(Date.now() + 3_000).toISOString()
    server.sessions = [buildSession({ id: one, createdAt })]
    const { client, heard } = watch({ pollSeconds: 60 })
    await until(() => server.streams === 1 && live(client).length === 1)
    server.sessions = []
    server.cut()
    await until(() => live(client).length === 0)
    assert.equal(heard.filter(({ type }) => type === 'ended').length, 1)
  })

  test('asks for the list again and again where there is no stream, and keeps no session alive', async () => {
    for (const status of [401, 404, 405]) {
      server.asked.length = 0
      server.sessions = [buildSession({ id: one }), buildSession({ id: two })]
      server.answer = path => (path === '/sessions/events' ? { status } : undefined)
      const { client } = watch()
      await until(() => live(client).length === 2)
      server.sessions.pop()
      await until(() => live(client).length === 1)
      assert.equal(streamsAsked(), 1)
      stops.pop()?.()
    }
    for (const { path } of server.asked) assert.match(path, /^\/sessions(\/events)?$/)
  })

  test('a server that is too busy for a stream is asked for one later', async () => {
    for (const status of [429, 503]) {
      server.answer = path => (path === '/sessions/events' ? { status } : undefined)
      const { client } = watch()
      await until(() => live(client).length === 2)
      server.answer = () => undefined
      await until(() => server.streams === 1)
      stops.pop()?.()
      await until(() => server.streams === 0)
    }
  })

  test('says that the server does not answer, and that it does again', async () => {
    const { client } = watch()
    await until(() => live(client).length === 2)
    await server.stop()
    await until(() => client.store.getSnapshot().state === 'unreachable')
    assert.equal(live(client).length, 2)
    await server.start()
    await until(() => client.store.getSnapshot().state === 'known')
  })

  test('the tabs of one browser need one stream, and each hears of everything', async () => {
    const tabs = [watch(), watch(), watch()]
    for (const { client } of tabs) await until(() => live(client).length === 2)
    await until(() => server.streams === 1)
    server.say('ended', { id: one, reason: 'logout' })
    for (const { client } of tabs) await until(() => live(client).length === 1)
    await tabs[0]?.client.logout(two)
    for (const { client, heard } of tabs) {
      await until(() => live(client).length === 0)
      assert.equal(heard.filter(({ type }) => type === 'ended').length, 2)
    }
  })

  test('when the tab that listens is closed, another one does', async () => {
    const [, , last] = [watch(), watch(), watch()]
    await until(() => last !== undefined && live(last.client).length === 2)
    await until(() => server.streams === 1)
    const asked = streamsAsked()
    stops.pop()?.()
    await until(() => streamsAsked() > asked && server.streams === 1)
    server.say('ended', { id: one, reason: 'logout' })
  })

  test('counts down by the clock of the server', async () => {
    server.ahead = 3 * 3_600_000
    const now = Date.now() + server.ahead
    const idleExpiresAt = new Date(now + 600_000).toISOString()
    const expiresAt = new Date(now + 1_200_000).toISOString()
    server.sessions = [buildSession({ id: one, idleExpiresAt, expiresAt })]
    const { client } = watch()
    const { subscribe, getSnapshot } = client.countdown(one)
    stops.push(subscribe(() => undefined))
    await until(() => getSnapshot() !== undefined)
    const shown = getSnapshot()
    assert.equal(getSnapshot(), shown)
    assert.equal(client.countdown(one).getSnapshot(), shown)
    const { idle = 0, absolute = 0, left, isExpiring } = shown ?? {}
    assert.ok(idle > 400 && idle <= 601, `${idle}`)
    assert.ok(absolute > idle && absolute <= 1_201, `${absolute}`)
    assert.deepEqual([left, isExpiring], [idle, false])
    await until(() => getSnapshot() !== shown)
    // What a server has rendered is taken over before anything is known, however late that is.
    assert.equal(client.countdown(one).getServerSnapshot(), undefined)
    assert.equal(client.store.getServerSnapshot().state, 'unknown')
  })

  test('warns before the end, asks before it warns, and warns again after the session was used', async () => {
    const soon = () => new Date(Date.now() + 60_000).toISOString()
    server.sessions = [buildSession({ id: one, idleExpiresAt: soon() })]
    const { heard } = watch()
    const warnings = () => heard.filter(({ type }) => type === 'expiring').length
    await until(() => warnings() === 1)
    assert.ok(server.asked.some(({ path }) => path === '/sessions'))
    server.sessions = [buildSession({ id: one, idleExpiresAt: soon() })]
    server.say('sessions', server.sessions)
    await until(() => warnings() === 2)
  })

  test('a session whose time has run out is over, though the server does not answer', async () => {
    server.sessions = [
      buildSession({ id: one, idleExpiresAt: new Date(Date.now() + 2_000).toISOString() }),
      buildSession({ id: two }),
    ]
    const { client } = watch()
    await until(() => live(client).length === 2)
    await server.stop()
    await until(() => live(client).length === 1)
    assert.deepEqual(client.store.getSnapshot().ended, [{ id: one, reason: 'expired' }])
  })
})
