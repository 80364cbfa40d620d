// What happens to a browser's sessions, over real HTTP against the real sandbox, as its tabs hear it.

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { readEvents, type ServerEvent } from '../../client/server-events.ts'
import { type Browser, createBrowser } from '../world/browser.ts'
import { createWorld, type World } from '../world/world.ts'
import { logIn } from './login.ts'

interface Heard {
  status: number
  headers: Headers
  events: { type: string; data: unknown }[]
  /** The next event of this kind. */
  next(type: string): Promise<Record<string, unknown>>
  /** Resolves when the stream is over. */
  over: Promise<void>
  leave(): void
}

async function listen(t: TestContext, world: World, browser: Browser): Promise<Heard> {
  const cookie = [...browser.cookies(world.app)].map(pair => pair.join('=')).join('; ')
  const left = new AbortController()
  t.after(() => left.abort())
  const response = await fetch(`${world.app}/sessions/events`, {
    headers: { cookie },
    signal: left.signal,
  })
  const events: Heard['events'] = []
  const waiting = new Set<() => void>()
  const take = ({ type, data }: ServerEvent) => {
    events.push({ type, data: JSON.parse(data) })
    for (const wake of waiting) wake()
  }
  const over = (async () => {
    if (response.body === null || !response.ok) return await response.body?.cancel()
    for await (const event of readEvents(response.body, 60_000)) take(event)
  })().catch(() => undefined)
  let seen = 0
  return {
    ...{ status: response.status, headers: response.headers, events, over },
    leave: () => left.abort(),
    async next(type) {
      for (;;) {
        const at = events.findIndex((event, index) => index >= seen && event.type === type)
        if (at >= 0) {
          seen = at + 1
          return events[at]?.data as Record<string, unknown>
        }
        await new Promise<void>(wake => waiting.add(wake))
      }
    },
  }
}

async function begin(t: TestContext, options: Parameters<typeof createWorld>[0] = {}) {
  const world = await createWorld(options)
  t.after(() => world.close())
  const browser = createBrowser()
  const amy = await logIn(world, browser, 'amy-shaw')
  const ben = await logIn(world, browser, 'ben-ortega')
  return { world, browser, amy, ben }
}

test('[EV1] the list first, as GET /sessions gives it, and no token in anything', async t => {
  const { world, browser } = await begin(t)
  const heard = await listen(t, world, browser)
  const first = await heard.next('sessions')
  const list = await browser.fetch(`${world.app}/sessions`)
  assert.deepEqual(first, list.json())
  assert.match(heard.headers.get('content-type') ?? '', /^text\/event-stream/)
  assert.match(heard.headers.get('cache-control') ?? '', /no-store/)
  const [session] = list.json<{ fhirUser: string; fhirBaseUrl: string; access: object }[]>()
  assert.ok(session?.fhirUser.startsWith(`${session.fhirBaseUrl}/Practitioner/`), session?.fhirUser)
  assert.deepEqual(Object.keys(session?.access ?? {}), ['obtainedAt', 'expiresAt'])
  assert.doesNotMatch(JSON.stringify(heard.events), /eyJ|access_token|refresh/)
})

test('[EV1] a logout, an administrator, another user and the limit of sessions are ends with their reasons', async t => {
  const { world, browser, amy, ben } = await begin(t, {
    configure: document => {
      document.sessions = { ...document.sessions, perBrowser: 3 }
    },
  })
  const heard = await listen(t, world, browser)
  const other = await listen(t, world, createBrowser())
  await browser.fetch(`${world.app}/sessions/${amy.id}`, { method: 'DELETE' })
  assert.deepEqual(await heard.next('ended'), { id: amy.id, reason: 'logout' })
  const { smartSessions: store } = world.product
  await store.endAll([store.recordId(ben.id)], 'operator')
  assert.deepEqual(await heard.next('ended'), { id: ben.id, reason: 'operator' })

  const first = await logIn(world, browser, 'amy-shaw')
  for (let i = 0; i < 2; i++) await logIn(world, browser, 'amy-shaw')
  const again = await listen(t, world, browser)
  await logIn(world, browser, 'amy-shaw')
  assert.deepEqual(await again.next('ended'), { id: first.id, reason: 'too_many' })
  assert.deepEqual(
    other.events.map(({ type }) => type),
    ['sessions'],
  )
})

test('[EV1] a renewal is told with the new end of the token', async t => {
  const { world, browser, amy } = await begin(t)
  const heard = await listen(t, world, browser)
  world.sandbox.expireAccessTokens()
  assert.equal((await browser.fetch(`${amy.fhirBaseUrl}/Patient/amy-shaw`)).status, 200)
  const renewed = await heard.next('renewed')
  const { access } = (await browser.fetch(`${world.app}/sessions/${amy.id}`)).json<{
    access: { obtainedAt: string; expiresAt: string }
  }>()
  assert.deepEqual(renewed, { id: amy.id, at: access.obtainedAt, tokenExpiresAt: access.expiresAt })
})

test('[EV2] streams keep no session alive, and end when the server drains', async t => {
  const { world, browser, amy } = await begin(t)
  const before = (await browser.fetch(`${world.app}/sessions/${amy.id}?slide=false`)).json()
  const heard = await listen(t, world, browser)
  await heard.next('sessions')
  const after = (await browser.fetch(`${world.app}/sessions/${amy.id}?slide=false`)).json()
  assert.deepEqual(after, before)
  const closed = world.server.close()
  await heard.over
  await closed
})

test('[EV2] an EHR that answers no more is told, to those who have a session there', async t => {
  const { world, browser, amy } = await begin(t)
  const heard = await listen(t, world, browser)
  await world.sandbox.close()
  for (let i = 0; i < 2; i++) {
    assert.equal((await browser.fetch(`${amy.fhirBaseUrl}/Patient/amy-shaw`)).status, 502)
  }
  assert.deepEqual(await heard.next('ehr'), { ehr: 'general', state: 'down' })
  const late = await listen(t, world, browser)
  assert.deepEqual(await late.next('ehr'), { ehr: 'general', state: 'down' })
})

test('[EV3] other sites hear nothing, and one session has only so many streams', async t => {
  const { world, browser } = await begin(t, {
    adjust(options) {
      options.sessionEvents.limits = { perSession: 2, all: 4 }
    },
  })
  const foreign = await browser.fetch(`${world.app}/sessions/events`, {
    headers: { origin: 'https://evil.example' },
  })
  assert.equal(foreign.status, 403)
  const held = [await listen(t, world, browser), await listen(t, world, browser)]
  const third = await listen(t, world, browser)
  assert.deepEqual([third.status, third.headers.get('retry-after')], [429, '30'])
  held[0]?.leave()
  await held[0]?.over
  // The server hears of it a moment later.
  let again = await listen(t, world, browser)
  for (let i = 0; again.status !== 200 && i < 500; i++) again = await listen(t, world, browser)
  assert.equal(again.status, 200)
  const nobody = createBrowser()
  for (let i = 0; i < 2; i++) assert.equal((await listen(t, world, nobody)).status, 200)
  assert.equal((await listen(t, world, nobody)).status, 503)
})
