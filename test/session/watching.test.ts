// Sessions watched from one process, and changed by another one over the same vault.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { OpenSession } from '../../src/session/session.ts'
import type { SessionStore } from '../../src/session/store.ts'
import { createWatching, type WatchedEvent } from '../../src/session/watching.ts'
import { buildStore, buildTokens, ISS, MINUTE } from './sessions.ts'

async function watch() {
  const parts = buildStore()
  const { store, vault, clock } = parts
  const there = parts.another()
  const watching = createWatching({ vault, store, warnMs: 2 * MINUTE })
  const begin = () => store.begin(ISS, buildTokens(clock.now()), 'browser', 'general')
  const sessions = [await begin(), await begin()] as const
  const heard: WatchedEvent[] = []
  const leave = watching.add({ sessions, hear: event => heard.push(event) })
  return { ...parts, there, watching, sessions, heard, leave }
}

test('[EV1, K5] an end and a renewal in another process are heard of, each once', async () => {
  const { there, watching, sessions, heard, clock } = await watch()
  const [one, two] = sessions
  await watching.look()
  assert.equal(heard.length, 0)
  await there.end(one.recordId, { reason: 'ehr' })
  const opened = await there.open(two.ticket, { slide: false })
  await there.replace(opened, buildTokens(clock.now(), { accessToken: 'access-2' }))
  for (let i = 0; i < 3; i++) await watching.look()
  assert.deepEqual(heard[0], { type: 'ended', id: one.session.id, reason: 'ehr' })
  assert.equal(heard[1]?.type === 'renewed' && heard[1].open.session.tokens.accessToken, 'access-2')
  assert.equal(heard.length, 2)
})

test('[EV1] a session whose time runs out is warned of once for each end, and then over', async () => {
  const { store, watching, sessions, heard, clock } = await watch()
  const [one] = sessions
  clock.pass(12 * MINUTE)
  await watching.look()
  assert.equal(heard.length, 0)
  await store.open(one.ticket, { slide: true })
  clock.pass(2 * MINUTE)
  for (let i = 0; i < 2; i++) await watching.look()
  assert.deepEqual(
    heard.map(({ type }) => type),
    ['expiring'],
  )
  clock.pass(12 * MINUTE)
  await watching.look()
  clock.pass(5 * MINUTE)
  for (let i = 0; i < 2; i++) await watching.look()
  assert.deepEqual(
    heard.map(event => (event.type === 'ended' ? event.reason : event.type)),
    ['expiring', 'expiring', 'expired', 'expired'],
  )
})

test('[EV1] what ends in this process is heard of at once, and who has left hears nothing', async () => {
  const { store, watching, sessions, heard, leave } = await watch()
  const [one, two] = sessions
  await store.end(one.recordId, { reason: 'logout' })
  assert.deepEqual(heard, [{ type: 'ended', id: one.session.id, reason: 'logout' }])
  leave()
  assert.equal(watching.size, 0)
  await store.end(two.recordId, { reason: 'logout' })
  await watching.look()
  assert.equal(heard.length, 1)
})

test('[EV2] a session that another process has ended for no told reason has ended all the same', async () => {
  const { there, watching, sessions, heard } = await watch()
  await there.end(sessions[0].recordId)
  await watching.look()
  assert.deepEqual(heard, [{ type: 'ended', id: sessions[0].session.id, reason: 'unknown' }])
})

test('[EV1] what is heard of in two ways is told once, and of sessions that nobody watches nothing', async () => {
  const { store, vault, watching, sessions, heard, clock } = await watch()
  const [one, two] = sessions
  const renewed = buildTokens(clock.now(), { accessToken: 'access-2' })
  await store.replace(two, renewed)
  await watching.look()
  assert.deepEqual(
    heard.map(({ type }) => type),
    ['renewed'],
  )
  const unwatched = await store.begin(ISS, buildTokens(clock.now()), 'browser', 'general')
  await store.replace(unwatched, renewed)
  // It ends here while its head is on the way.
  const head = Promise.withResolvers<undefined>()
  const late = { ...vault, head: () => head.promise, now: vault.now, take: vault.take }
  const slow = createWatching({ vault: { ...late, isTaken: vault.isTaken }, store, warnMs: MINUTE })
  slow.add({ sessions: [one], hear: event => heard.push(event) })
  const looking = slow.look()
  await store.end(one.recordId, { reason: 'logout' })
  head.resolve(undefined)
  await looking
  const ends = heard.filter(({ type }) => type === 'ended')
  assert.equal(ends.length, 2, 'each watching tells it once')
  assert.equal(heard.length, 3)
})

test('[EV1] a renewal that is read late takes no later one back', async () => {
  const { store, vault, there, sessions, clock } = await watch()
  const [one] = sessions
  const late = Promise.withResolvers<OpenSession>()
  const reading = Promise.withResolvers<void>()
  const slow = {
    ...store,
    open: () => {
      reading.resolve()
      return late.promise
    },
  }
  const watching = createWatching({ vault, store: slow, warnMs: MINUTE })
  const heard: WatchedEvent[] = []
  watching.add({ sessions: [one], hear: event => heard.push(event) })
  const renew = (open: OpenSession, from: SessionStore, accessToken: string) =>
    from.replace(open, buildTokens(clock.now(), { accessToken }))
  const second = (await renew(one, there, 'access-2')) as OpenSession
  const looking = watching.look()
  await reading.promise
  await renew(second, store, 'access-3')
  late.resolve(second)
  await looking
  const told = heard.map(event => event.type === 'renewed' && event.open.session.tokens.accessToken)
  assert.deepEqual(told, ['access-3'])
})

test('[EV1] sessions of a store that has to be asked are asked for together, and so is why they ended', async () => {
  const { store, vault, clock, another } = buildStore()
  const begin = () => store.begin(ISS, buildTokens(clock.now()), 'browser', 'general')
  const sessions = await Promise.all(Array.from({ length: 300 }, begin))
  let rounds = 0
  let open: (() => void)[] = []
  const wait = () =>
    new Promise<void>(done => {
      if (open.push(done) > 1) return
      setTimeout(() => {
        rounds++
        const answered = open
        open = []
        for (const answer of answered) answer()
      })
    })
  const far = {
    ...vault,
    head: async (id: string) => {
      await wait()
      return await vault.head(id)
    },
    isTaken: async (key: string) => {
      await wait()
      return await vault.isTaken(key)
    },
  }
  const watching = createWatching({ vault: far, store, warnMs: 2 * MINUTE })
  const heard: WatchedEvent[] = []
  watching.add({ sessions, hear: event => heard.push(event) })
  await watching.look()
  // Two slices.
  assert.equal(rounds, 2)
  const there = another()
  for (const { recordId } of sessions) await there.end(recordId, { reason: 'token_ended' })
  await watching.look()
  assert.equal(rounds, 6)
  assert.equal(heard.length, 300)
  assert.ok(heard.every(event => event.type === 'ended' && event.reason === 'token_ended'))
})
