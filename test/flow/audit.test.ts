// The audit of the whole product: each login, denial, renewal, logout, ending, administrative act and call has
// one valid event, by names that an auditor can follow and without a secret; with `failClosed` none of
// them is acknowledged that is not recorded.

import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { createHeldSink, type Json, requestIdOf, summarize } from '../audit/held-sink.ts'
import { createBrowser } from '../world/browser.ts'
import { findPort } from '../world/port.ts'
import { createWorld, type World } from '../world/world.ts'
import { logIn } from './login.ts'
import { readTokens } from './tokens.ts'

const GRANT = /"policy":\["urn:fhirstorm:session:([\w-]{12})"\]/

function setUp(failClosed: boolean) {
  const sink = createHeldSink()
  const setting = { sink: 'file', path: './audit.ndjson', failClosed }
  const place = { world: {} as World, port: 0, sink }
  before(async () => {
    place.port = await findPort()
    place.world = await createWorld({
      auditSink: sink,
      configure(document) {
        document.admin = { port: place.port }
        document.audit = setting
      },
    })
  })
  after(() => place.world.close())
  return place
}

const sessionOf = (event: Json | undefined) => GRANT.exec(JSON.stringify(event))?.[1]
const metricsOf = async (port: number) =>
  await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()

suite('with an audit that is recorded in passing', () => {
  const place = setUp(false)
  const { sink } = place

  test('[G8] a login, its calls and its logout are told of one session, user and patient', async () => {
    const { world } = place
    const browser = createBrowser()
    const { id, fhirBaseUrl } = await logIn(world, browser, 'amy-shaw')
    const { accessToken, refreshToken, idToken } = await readTokens(world, browser, id)
    const read = await browser.fetch(`${fhirBaseUrl}/Patient/amy-shaw`)
    const search = await browser.fetch(`${fhirBaseUrl}/Observation?code=718-7&_count=3`)
    const gone = await browser.fetch(`${world.app}/sessions/${id}`, { method: 'DELETE' })
    assert.deepEqual([read.status, search.status, gone.status], [200, 200, 200])
    const events = await sink.next(4)
    const texts = events.map(event => JSON.stringify(event)).join('\n')
    assert.deepEqual(events.map(summarize), ['ITI-71 0', 'read 0', 'search-type 0', '110123 0'])
    assert.equal(new Set(events.map(sessionOf)).size, 1)
    assert.ok(sessionOf(events[0]))
    assert.deepEqual(
      events.slice(1).map(requestIdOf),
      [read, search, gone].map(({ headers }) => headers.get('x-request-id')),
    )
    const { iss } = world.config.registrations.find(({ id }) => id === 'general') ?? {}
    for (const event of events) assert.match(JSON.stringify(event), /\/Practitioner\//)
    for (const text of texts.split('\n').slice(0, 3)) {
      assert.ok(text.includes(`${iss}/Patient/amy-shaw`), text)
    }
    for (const secret of [id, '718-7', 'Rivera', 'Bearer']) {
      assert.ok(!texts.includes(secret), secret)
    }
    for (const token of [accessToken, refreshToken, idToken]) {
      assert.ok(token && !texts.includes(token.slice(-32)))
    }
  })

  test('[G8] what the EHR refuses, and a login that fails, are told with the reason', async () => {
    const { world } = place
    const browser = createBrowser()
    for (const [outcome, code] of Object.entries({ error: 'access_denied', code: 'wrong' })) {
      const begun = await browser.navigate(`${world.app}/login?ehr=general`, () => true)
      const asked = new URL(begun.headers.get('location') ?? '').searchParams
      const answer = { [outcome]: code, state: asked.get('state') ?? '', iss: world.sandbox.url }
      const back = `${asked.get('redirect_uri')}?${new URLSearchParams(answer)}`
      await browser.navigate(back, () => true)
    }
    const events = await sink.next(2)
    assert.deepEqual(events.map(summarize), ['110122 4', '110122 4'])
    const reasons = events.map(event => event.outcomeDesc)
    assert.deepEqual(reasons, ['access_denied', 'token_refused'])
  })

  test('[G8] sessions that an administrator ends are told one by one, and the act with their number', async () => {
    const { world, port } = place
    await logIn(world, createBrowser(), 'ben-ortega')
    await sink.next(1)
    const answer = await fetch(`http://127.0.0.1:${port}/sessions?ehr=general`, {
      method: 'DELETE',
    })
    const { ended } = (await answer.json()) as { ended: number }
    const events = await sink.next(ended + 1)
    assert.deepEqual(events.map(summarize), [
      ...Array.from({ length: ended }, () => '110123 0'),
      '110132 0',
    ])
    assert.match(JSON.stringify(events.at(-1)), new RegExp(`"sessions","valueString":"${ended}"`))
  })

  test('[G8] events that the sink does not take are counted, told once, and stop nobody', async () => {
    const { world, port } = place
    sink.mode = 'refuse'
    const browser = createBrowser()
    const { id, fhirBaseUrl } = await logIn(world, browser, 'amy-shaw')
    for (let i = 0; i < 3; i++) {
      assert.equal((await browser.fetch(`${fhirBaseUrl}/Patient/amy-shaw`)).status, 200)
    }
    const gone = await browser.fetch(`${world.app}/sessions/${id}`, { method: 'DELETE' })
    assert.equal(gone.status, 200)
    const lost = /^fhirstorm_audit_events_total\{outcome="lost"\} 5$/m
    while (!lost.test(await metricsOf(port))) await wait(20)
    sink.mode = 'take'
    const told = world.log.filter(line => line.includes('audit events were not recorded'))
    assert.equal(told.length, 1)
    assert.doesNotMatch(told.join(), /the disk is full/)
  })
})

suite('with an audit without which nothing is acknowledged', () => {
  const place = setUp(true)
  const { sink } = place

  test('[G8] a login that may not be recorded opens no session', async () => {
    const { world, port } = place
    const browser = createBrowser()
    sink.mode = 'refuse'
    const begun = await browser.navigate(`${world.app}/login?ehr=general`, () => true)
    const authorize = `${begun.headers.get('location')}&patient=amy-shaw&auto=1`
    const landing = await browser.navigate(authorize)
    assert.equal(landing.status, 503)
    assert.match(landing.headers.get('proxy-status') ?? '', /audit_unavailable/)
    sink.mode = 'take'
    assert.deepEqual((await browser.fetch(`${world.app}/sessions`)).json(), [])
    const left = await fetch(`http://127.0.0.1:${port}/sessions`)
    assert.deepEqual(await left.json(), [])
    sink.drain()
  })

  test('[G8] a read waits for its record, and is refused without one', async () => {
    const { world } = place
    const browser = createBrowser()
    const { fhirBaseUrl } = await logIn(world, browser, 'amy-shaw')
    sink.mode = 'refuse'
    const refused = await browser.fetch(`${fhirBaseUrl}/Patient/amy-shaw`)
    assert.equal(refused.status, 503)
    assert.ok(!refused.text.includes('Shaw'), refused.text)
    sink.mode = 'take'
    assert.equal((await browser.fetch(`${fhirBaseUrl}/Patient/amy-shaw`)).status, 200)
    assert.deepEqual(sink.drain().map(summarize), ['ITI-71 0', 'read 0'])
  })

  test('[G8] a logout that may not be recorded is not acknowledged, and the user is out all the same', async () => {
    const { world } = place
    for (const path of ['/sessions/ID', '/logout']) {
      const browser = createBrowser()
      const { id, fhirBaseUrl } = await logIn(world, browser, 'amy-shaw')
      const cookies = [...browser.cookies(world.app)].map(pair => pair.join('=')).join('; ')
      sink.mode = 'refuse'
      const gone = await browser.fetch(world.app + path.replace('ID', id), {
        method: path === '/logout' ? 'POST' : 'DELETE',
      })
      sink.mode = 'take'
      assert.equal(gone.status, 503)
      const told = gone.json<Record<string, unknown>>()
      assert.equal(told.code, 'audit_unavailable')
      // The way to the EHR's own logout is told, as it is with every other one.
      assert.ok('endSessionUrl' in told || 'endSessionUrls' in told)
      const again = await fetch(`${fhirBaseUrl}/Patient/amy-shaw`, {
        headers: { cookie: cookies, 'sec-fetch-site': 'same-origin' },
      })
      assert.equal(again.status, 401)
      await again.body?.cancel()
      sink.drain()
    }
  })

  test("[G8] an administrator's act that may not be recorded is not acknowledged", async () => {
    const { world, port } = place
    await logIn(world, createBrowser(), 'amy-shaw')
    const end = () => fetch(`http://127.0.0.1:${port}/sessions?all=true`, { method: 'DELETE' })
    sink.mode = 'refuse'
    const refused = await end()
    sink.mode = 'take'
    assert.equal(refused.status, 503)
    assert.match(await refused.text(), /audit_unavailable/)
    const again = await end()
    assert.deepEqual([again.status, await again.json()], [200, { ended: 0 }])
    sink.drain()
  })
})
