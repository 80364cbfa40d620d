// Renewals against an EHR that is down, slow, busy or mistaken about us, over real HTTP with a clock that
// the test moves: the session stays, the old token serves while it lives, and no fault starts a storm.

import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import type { LoggedIn } from '../flow/login.ts'
import { openStream } from '../flow/stream.ts'
import { type Browser, createBrowser } from '../world/browser.ts'
import { assertCleanLog, codeOf, type RefreshRig, startRefreshRig } from './refresh-rig.ts'

const SECOND = 1000

let rig: RefreshRig
before(async () => {
  rig = await startRefreshRig()
})
beforeEach(() => rig.reset())
after(() => rig.close())

/** What every failure that may pass has in common. */
async function servesAndWaits(browser: Browser, session: LoggedIn, code: string): Promise<void> {
  rig.nearTheEnd()
  for (let i = 0; i < 5; i++) assert.equal((await rig.read(browser, session)).status, 200)
  rig.pastTheEnd()
  const first = await rig.read(browser, session)
  assert.deepEqual([first.status, codeOf(first)], [503, code])
  const calls = rig.counts.token
  for (let i = 0; i < 20; i++) {
    const refused = await rig.read(browser, session)
    assert.deepEqual([refused.status, codeOf(refused)], [503, 'refresh_failed'])
    const seconds = Number(refused.headers.get('retry-after'))
    assert.ok(seconds > 0 && seconds <= 60, `${seconds}`)
  }
  assert.equal(rig.counts.token, calls)
  assert.ok(await rig.isLive(browser, session))
}

for (const face of ['renewal-503', 'renewal-429', 'stuck']) {
  test(`[F4] while renewals fail the old token serves, then it is 503 with Retry-After (${face})`, async () => {
    const browser = createBrowser()
    const session = await rig.begin(browser, face)
    await servesAndWaits(browser, session, 'refresh_failed')
  })
}

test('[F4] an EHR that cannot be reached for a while ends no session, and is asked again later', async () => {
  for (const breakLine of [rig.line.cut, rig.line.silence]) {
    rig.reset()
    const browser = createBrowser()
    const session = await rig.begin(browser, 'far')
    rig.nearTheEnd()
    rig.pastTheEnd()
    breakLine()
    const refused = await rig.read(browser, session)
    assert.deepEqual([refused.status, codeOf(refused)], [503, 'refresh_failed'])
    rig.line.mend()
    assert.equal(codeOf(await rig.read(browser, session)), 'refresh_failed')
    rig.pass((Number(refused.headers.get('retry-after')) + 1) * SECOND)
    const answers = await Promise.all(Array.from({ length: 20 }, () => rig.read(browser, session)))
    const statuses = new Set(answers.map(({ status }) => status))
    // A refresh token that went out on a line that then fell silent may be used up: that is final.
    assert.equal(statuses.size, 1)
    if (breakLine === rig.line.cut) assert.ok(statuses.has(200))
  }
})

test('[F5] credentials that the EHR no longer takes end no session', async () => {
  const browser = createBrowser()
  const session = await rig.begin(browser, 'renewal-invalid-client')
  await servesAndWaits(browser, session, 'client_auth_failed')
  const metrics = await rig.world.product.smartMetrics.text()
  assert.match(metrics, /\{event="failed",ehr="renewal-invalid-client"\} [1-9]/)
  assert.match(rig.world.log.join(''), /"code":"client_auth_failed"/)
})

test('a renewal that takes its time holds up nobody whose token still lives', async () => {
  const browser = createBrowser()
  const session = await rig.begin(browser, 'late')
  rig.nearTheEnd()
  const before = rig.given.length
  const answers = await Promise.all(Array.from({ length: 20 }, () => rig.read(browser, session)))
  for (const { status } of answers) assert.equal(status, 200)
  assert.equal(rig.given.length, before + 1)
})

test('[F11, R7] an EHR that refuses every token is not asked for new ones again and again', async () => {
  const browser = createBrowser()
  const session = await rig.begin(browser, 'fhir-401')
  const calls = rig.counts.token
  for (let i = 0; i < 20; i++) {
    const refused = await rig.read(browser, session)
    assert.deepEqual([refused.status, codeOf(refused)], [401, 'upstream_unauthorized'])
    assert.doesNotMatch(refused.text + JSON.stringify([...refused.headers]), /bearer|token"/i)
  }
  assert.equal(rig.counts.token, calls + 1)
})

test('[F12] a token that ends while its answer streams changes nothing in it', async () => {
  const browser = createBrowser()
  const session = await rig.begin(browser, 'endless')
  const stream = await openStream(browser, `${session.fhirBaseUrl}/Patient`)
  const calls = rig.counts.token
  rig.nearTheEnd()
  rig.pastTheEnd()
  rig.world.sandbox.expireAccessTokens()
  await new Promise(done => setTimeout(done, 800))
  assert.ok(stream.isOpen())
  assert.equal(rig.counts.token, calls)
  await browser.fetch(`${rig.world.app}/logout`, { method: 'POST' })
  await stream.cut()
})

test('[G2, G3] nothing of any of these answers is in the log', () => assertCleanLog(rig))
