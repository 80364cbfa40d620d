// kill -9 of the broker, at any moment: what was acknowledged is there after a restart, a refresh token
// is never sent twice, and what cannot be saved ends cleanly.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { logIn } from '../flow/login.ts'
import { createBrowser } from '../world/browser.ts'
import { type ProcessWorld, startProcessWorld } from '../world/process-world.ts'
import type { DeathStep } from './dying-broker.ts'

let world: ProcessWorld
/** Where the broker dies by itself, while it is named here. */
const env: { DIE_AT?: DeathStep } = {}
/** Called with each path that is asked of the EHR. */
let onRequest: (path: string) => void = () => {}
let tokenCalls = 0

before(async () => {
  world = await startProcessWorld({
    ...{ program: 'test/faults/dying-broker.ts', env: env as Record<string, string> },
    sandbox: {
      onRequest({ path }) {
        if (path.endsWith('/token')) tokenCalls++
        onRequest(path)
      },
    },
  })
})
after(() => world.close())

test('every session that was acknowledged still works after kill -9', async () => {
  const browsers = Array.from({ length: 5 }, createBrowser)
  const sessions = []
  for (const browser of browsers) sessions.push(await logIn(world, browser, 'amy-shaw'))
  await world.broker.kill()
  await world.broker.start()
  for (const [i, browser] of browsers.entries()) {
    const answer = await browser.fetch(`${sessions[i]?.fhirBaseUrl}/Patient/amy-shaw`)
    assert.equal(answer.status, 200, answer.text)
  }
})

test('[S12] a login that was begun before kill -9 finishes after it', async () => {
  const browser = createBrowser()
  const begun = await browser.navigate(`${world.broker.app}/login?ehr=general`, () => true)
  await world.broker.kill()
  await world.broker.start()
  const authorize = `${begun.headers.get('location')}&patient=amy-shaw&auto=1`
  const landing = await browser.navigate(authorize)
  assert.ok(new URL(landing.url).searchParams.get('session'), `${landing.status}`)
})

test('[F6] killed before the EHR has answered a renewal: the session is renewed after the restart', async () => {
  const browser = createBrowser()
  const { fhirBaseUrl } = await logIn(world, browser, 'amy-shaw')
  world.sandbox.expireAccessTokens()
  let killed: Promise<void> | undefined
  onRequest = path => {
    if (path.endsWith('/token')) killed ??= world.broker.kill()
  }
  await browser.fetch(`${fhirBaseUrl}/Patient/amy-shaw`).catch(() => undefined)
  onRequest = () => {}
  assert.ok(killed, 'nothing was renewed')
  await killed
  await world.broker.start()
  const calls = tokenCalls
  const answers = []
  for (let i = 0; i < 3; i++) answers.push(await browser.fetch(`${fhirBaseUrl}/Patient/amy-shaw`))
  // The EHR may have rotated the token before it died: then the session has ended, once and for all.
  const statuses = new Set(answers.map(({ status }) => status))
  assert.equal(statuses.size, 1)
  assert.ok(statuses.has(200) || statuses.has(401), [...statuses].join())
  assert.equal(tokenCalls, calls + 1)
})

/** What a session answers, three times, after its broker has died in the middle of a renewal. */
async function renewAndDie(step: DeathStep) {
  const browser = createBrowser()
  const { fhirBaseUrl } = await logIn(world, browser, 'amy-shaw')
  const read = () => browser.fetch(`${fhirBaseUrl}/Patient/amy-shaw`)
  world.sandbox.expireAccessTokens()
  await world.broker.kill()
  env.DIE_AT = step
  await world.broker.start()
  await assert.rejects(read())
  delete env.DIE_AT
  await world.broker.start()
  const calls = tokenCalls
  const statuses = [await read(), await read(), await read()].map(({ status }) => status)
  return { browser, statuses, calls: tokenCalls - calls }
}

test('[F8, F6] killed with the lease in hand: it is taken over, and the token is sent once', async () => {
  const before = tokenCalls
  const { statuses, calls } = await renewAndDie('lease taken')
  assert.deepEqual([statuses, calls], [[200, 200, 200], 1])
  assert.equal(tokenCalls - before, 2)
})

test('[F6] killed with new tokens that are not yet written: a new login, and no loop', async () => {
  const { browser, statuses, calls } = await renewAndDie('before the write')
  assert.deepEqual([statuses, calls], [[401, 401, 401], 1])
  const { fhirBaseUrl } = await logIn(world, browser, 'amy-shaw')
  assert.equal((await browser.fetch(`${fhirBaseUrl}/Patient/amy-shaw`)).status, 200)
})

test('[F6, F2] killed with new tokens that are written: they are good, and nothing is asked again', async () => {
  const { statuses, calls } = await renewAndDie('after the write')
  assert.deepEqual([statuses, calls], [[200, 200, 200], 0])
})

test('[F6] killed right after a renewal was used: nothing is lost', async () => {
  const browser = createBrowser()
  const { fhirBaseUrl } = await logIn(world, browser, 'amy-shaw')
  for (let round = 0; round < 5; round++) {
    world.sandbox.expireAccessTokens()
    const first = await browser.fetch(`${fhirBaseUrl}/Patient/amy-shaw`)
    assert.equal(first.status, 200, first.text)
    await world.broker.kill()
    await world.broker.start()
    const second = await browser.fetch(`${fhirBaseUrl}/Patient/amy-shaw`)
    assert.equal(second.status, 200, second.text)
  }
})
