// Limits as the configuration sets them, seen at the product itself.

import assert from 'node:assert/strict'
import { request } from 'node:http'
import { type TestContext, test } from 'node:test'
import { createBrowser } from '../world/browser.ts'
import { eventually } from '../world/eventually.ts'
import { createWorld, type World } from '../world/world.ts'
import { logIn } from './login.ts'

async function start(t: TestContext, limits: object): Promise<World> {
  const world = await createWorld({
    configure(document) {
      document.limits = limits
    },
  })
  t.after(() => world.close())
  return world
}

test('[LM1] with less memory than it holds the product takes nothing new, but for health and logouts', async t => {
  const memory = { residentMegabytes: 129 }
  const world = await start(t, { memory, heldMegabytes: { user: 16, ehr: 16, all: 16 } })
  assert.ok(process.memoryUsage.rss() > 129 * 2 ** 20)
  const browser = createBrowser()
  for (const path of ['/login?ehr=general', '/ehrs', '/sessions', '/fhir/Patient', '/']) {
    const answer = await browser.fetch(world.app + path)
    assert.equal(answer.status, 503, path)
    assert.equal(answer.headers.get('retry-after'), '5')
    assert.match(answer.headers.get('proxy-status') ?? '', /overloaded/)
  }
  assert.equal((await browser.fetch(`${world.app}/healthz`)).status, 200)
  assert.equal((await browser.fetch(`${world.app}/readyz`)).status, 200)
  const left = await browser.fetch(`${world.app}/logout`, { method: 'POST' })
  assert.equal(left.status, 200, left.text)
  assert.ok(world.log.join('').includes('too little memory: resident memory'))
})

test('[LM1] requests a second: 429 for a user beyond them, and another user goes on', async t => {
  const world = await start(t, { requestsPerSecond: { user: 3 } })
  const [greedy, modest] = [createBrowser(), createBrowser()]
  const one = await logIn(world, greedy, 'amy-shaw')
  const other = await logIn(world, modest, 'ben-ortega', 'ehr=dstu2')
  const answers = await Promise.all(
    Array.from({ length: 12 }, () => greedy.fetch(`${one.fhirBaseUrl}/Patient/amy-shaw`)),
  )
  const statuses = new Set(answers.map(({ status }) => status))
  assert.deepEqual([...statuses].sort(), [200, 429])
  const refused = answers.find(({ status }) => status === 429)
  assert.equal(refused?.headers.get('retry-after'), '1')
  assert.equal((await modest.fetch(`${other.fhirBaseUrl}/Patient/ben-ortega`)).status, 200)
  assert.ok(
    await eventually(async () => {
      return (await greedy.fetch(`${one.fhirBaseUrl}/Patient/amy-shaw`)).status === 200
    }),
  )
})

test('[LM1] an EHR that gives no answer is asked no more for a while', async t => {
  const world = await start(t, { breaker: { failures: 2, pauseSeconds: 600 } })
  const browser = createBrowser()
  const { fhirBaseUrl } = await logIn(world, browser, 'amy-shaw')
  await world.sandbox.close()
  const ask = () => browser.fetch(`${fhirBaseUrl}/Patient/amy-shaw`)
  for (let failures = 0; failures < 2; failures++) {
    const answer = await ask()
    assert.equal(answer.status, 502, answer.text)
    assert.equal(answer.headers.get('retry-after'), null)
  }
  const kept = await ask()
  assert.equal(kept.status, 502)
  assert.equal(kept.headers.get('retry-after'), '600')
  assert.ok(world.log.join('').includes('it has given no answer for a while'))
})

test('[LM1] uploads that their client does not finish keep nobody from the EHR', async t => {
  const world = await start(t, {
    breaker: { failures: 2, pauseSeconds: 600 },
    answers: { firstByteSeconds: 1 },
  })
  const browser = createBrowser()
  const { fhirBaseUrl } = await logIn(world, browser, 'amy-shaw')
  const cookie = [...browser.cookies(fhirBaseUrl)].map(pair => pair.join('=')).join('; ')
  const upload = () =>
    new Promise<number | undefined>((done, fail) => {
      const sent = request(`${fhirBaseUrl}/Binary`, {
        method: 'POST',
        headers: {
          ...{ cookie, 'sec-fetch-site': 'same-origin', 'x-csrf': '1' },
          ...{ 'content-type': 'application/octet-stream', 'content-length': 900_000 },
        },
      })
      sent.on('error', fail).on('response', answer => {
        done(answer.statusCode)
        sent.destroy()
      })
      sent.write(Buffer.alloc(600_000))
    })
  assert.deepEqual(await Promise.all([upload(), upload(), upload()]), [504, 504, 504])
  const read = await browser.fetch(`${fhirBaseUrl}/Patient/amy-shaw`)
  assert.equal(read.status, 200, read.text)
})

test('[LM1, L22] logins of one browser: the oldest make room for the second, where two are too many', async t => {
  const world = await start(t, { logins: { perBrowser: 1 } })
  const browser = createBrowser()
  const begin = () => browser.navigate(`${world.app}/login?ehr=general`, () => true)
  const first = await begin()
  await begin()
  const ended = await browser.navigate(`${first.headers.get('location')}&patient=amy-shaw&auto=1`)
  assert.match(ended.headers.get('proxy-status') ?? '', /too_many_launches/)
})

test('[LM1] logins of one address, and requests to each route', async t => {
  const world = await start(t, { logins: { perAddress: 2, requestsPerAddress: 3 } })
  const ask = async () =>
    (await createBrowser().navigate(`${world.app}/login?ehr=general`, () => true)).status
  assert.deepEqual([await ask(), await ask(), await ask(), await ask()], [302, 302, 503, 429])
})

test('[LM1] bodies: the largest document, and the largest of all', async t => {
  const world = await start(t, {
    bodies: { megabytes: 0.4, documentMegabytes: 0.2, formMegabytes: 0.1 },
  })
  const browser = createBrowser()
  const { fhirBaseUrl } = await logIn(world, browser, 'amy-shaw')
  const post = (type: string, bytes: number) =>
    browser.fetch(`${fhirBaseUrl}/Binary`, {
      method: 'POST',
      headers: { 'content-type': type },
      body: type.includes('json')
        ? JSON.stringify({ resourceType: 'Binary', data: 'a'.repeat(bytes) })
        : 'a'.repeat(bytes),
    })
  assert.equal((await post('application/fhir+json', 300_000)).status, 413)
  assert.notEqual((await post('application/fhir+json', 100_000)).status, 413)
  assert.equal((await post('application/octet-stream', 500_000)).status, 413)
  assert.notEqual((await post('application/octet-stream', 300_000)).status, 413)
})
