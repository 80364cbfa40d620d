// SIGTERM while there is work: what was begun is finished, also a renewal whose client has left, and the
// process ends with status 0.

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, type TestContext, test } from 'node:test'
import { late } from '../../sandbox/faces/answers.ts'
import type { TokenCall } from '../../sandbox/faces/face.ts'
import { json } from '../../sandbox/http/answer.ts'
import { type LoggedIn, logIn } from '../flow/login.ts'
import { createBrowser } from '../world/browser.ts'
import { ehrIdsWith, registerFaces } from '../world/ehrs.ts'
import { eventually } from '../world/eventually.ts'
import { type ProcessWorld, startProcessWorld } from '../world/process-world.ts'

let world: ProcessWorld
const asked: string[] = []
/** What happens while the EHR thinks. */
let onRenewal = () => {}
const LATE_MS = 1_000
before(async () => {
  const lateFace = {
    name: 'late',
    about: 'Every answer takes a second, but for the exchange of the code.',
    token(body: Record<string, unknown>, { renewal }: TokenCall) {
      if (renewal === 0) return json(body)
      onRenewal()
      return late(json(body), LATE_MS)
    },
    fhir: async (answer: () => Promise<ReturnType<typeof json>>) => late(await answer(), LATE_MS),
  }
  world = await startProcessWorld({
    sandbox: {
      ...{ ehrIds: ehrIdsWith('late'), faces: [lateFace] },
      onRequest: ({ path }) => asked.push(path),
    },
    configure(document, sandboxUrl) {
      registerFaces(document, sandboxUrl, ['late'])
      document.log = { level: 'info' }
    },
  })
})
after(() => world.close())

const begin = (browser: ReturnType<typeof createBrowser>) =>
  logIn(world, browser, 'amy-shaw', 'ehr=late')
const sawAfter = (count: number, end: string) =>
  eventually(() => asked.slice(count).some(path => path.endsWith(end)))

test('[DS8] SIGTERM lets every answer that was begun come to its end, with status 0', async () => {
  const browsers = Array.from({ length: 4 }, createBrowser)
  const sessions: LoggedIn[] = []
  for (const browser of browsers) sessions.push(await begin(browser))
  const count = asked.length
  const reading = browsers.map((browser, i) => browser.fetch(`${sessions[i]?.fhirBaseUrl}/Patient`))
  // What has not been accepted yet is nobody's promise.
  const arrived = () => asked.slice(count).filter(path => path.endsWith('/Patient')).length
  assert.ok(await eventually(() => arrived() === browsers.length))
  const stopped = world.broker.stop()
  for (const answer of await Promise.all(reading)) assert.equal(answer.status, 200, answer.text)
  assert.equal(await stopped, 0)
  await world.broker.start()
  for (const [i, browser] of browsers.entries()) {
    const answer = await browser.fetch(`${world.broker.app}/sessions/${sessions[i]?.id}`)
    assert.equal(answer.status, 200)
  }
})

test('[DS8, F2] a renewal under way is stored before the process ends, also when its client has left', async () => {
  const browser = createBrowser()
  const { fhirBaseUrl } = await begin(browser)
  world.sandbox.expireAccessTokens()
  const count = asked.length
  const leaving = new AbortController()
  const cookie = [...browser.cookies(world.broker.app)].map(pair => pair.join('=')).join('; ')
  const left = fetch(`${fhirBaseUrl}/Patient`, { headers: { cookie }, signal: leaving.signal })
  assert.ok(await sawAfter(count, '/token'))
  leaving.abort()
  await assert.rejects(left)
  assert.equal(await world.broker.stop(), 0)
  await world.broker.start()
  const calls = asked.length
  assert.equal((await browser.fetch(`${fhirBaseUrl}/Patient`)).status, 200)
  assert.ok(!asked.slice(calls).some(path => path.endsWith('/token')))
})

/** Holds that tokens which came while the vault could not take them outlive the process. */
async function drainsWhileBusy(t: TestContext, busy: { begin(): void; end(): void }) {
  onRenewal = busy.begin
  t.after(() => {
    onRenewal = () => {}
  })
  const browser = createBrowser()
  const { fhirBaseUrl } = await begin(browser)
  world.sandbox.expireAccessTokens()
  const count = asked.length
  assert.equal((await browser.fetch(`${fhirBaseUrl}/Patient`)).status, 503)
  assert.ok(await sawAfter(count, '/token'))
  const from = world.broker.output.length
  const stopped = world.broker.stop()
  assert.ok(await eventually(() => world.broker.output.slice(from).join('').includes('draining')))
  busy.end()
  assert.equal(await stopped, 0)
  await world.broker.start()
  const calls = asked.length
  assert.equal((await browser.fetch(`${fhirBaseUrl}/Patient`)).status, 200)
  assert.ok(!asked.slice(calls).some(path => path.endsWith('/token')))
}

test('[F14, DS8, F2] renewed tokens that a busy file cannot take are stored before the process ends', async t => {
  const other = new DatabaseSync(join(world.folder, 'vault.db'))
  t.after(() => other.close())
  await drainsWhileBusy(t, {
    begin: () => other.exec('BEGIN IMMEDIATE'),
    end: () => other.exec('ROLLBACK'),
  })
})

test('[O10, DS8] a logout that a busy file could not take is done before the process ends', async t => {
  const other = new DatabaseSync(join(world.folder, 'vault.db'))
  t.after(() => other.close())
  const [browser, kept] = [createBrowser(), createBrowser()]
  const { id, fhirBaseUrl } = await begin(browser)
  for (const [name, value] of browser.cookies(world.broker.app))
    kept.setCookie(world.broker.app, name, value)
  other.exec('BEGIN IMMEDIATE')
  const url = `${world.broker.app}/sessions/${id}`
  assert.equal((await browser.fetch(url, { method: 'DELETE' })).status, 503)
  const from = world.broker.output.length
  const stopped = world.broker.stop()
  assert.ok(await eventually(() => world.broker.output.slice(from).join('').includes('draining')))
  other.exec('ROLLBACK')
  assert.equal(await stopped, 0)
  await world.broker.start()
  assert.equal((await kept.fetch(`${fhirBaseUrl}/Patient`)).status, 401)
})
