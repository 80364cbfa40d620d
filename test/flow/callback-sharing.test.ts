// The callback while its exchange is under way: only the browser that began the launch shares the answer,
// and whoever fetches the page ahead of time neither gets nor spoils it.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { TokenCall } from '../../sandbox/faces/face.ts'
import { json } from '../../sandbox/http/answer.ts'
import { type Answer, type Browser, createBrowser } from '../world/browser.ts'
import { ehrIdsWith, registerFaces } from '../world/ehrs.ts'
import { eventually } from '../world/eventually.ts'
import { createWorld, type World } from '../world/world.ts'
import { beginLogin } from './login.ts'

let world: World
let exchanges = 0
let answered = Promise.withResolvers<void>()
before(async () => {
  const patientFace = {
    name: 'patient',
    about: 'Exchanges no code before it is let.',
    async token(body: Record<string, unknown>, { renewal }: TokenCall) {
      if (renewal === 0) {
        exchanges++
        await answered.promise
      }
      return json(body)
    },
  }
  world = await createWorld({
    sandbox: { faces: [patientFace], ehrIds: ehrIdsWith('patient') },
    configure: (document, sandboxUrl) => registerFaces(document, sandboxUrl, ['patient']),
  })
})
after(() => world.close())

const begin = (browser: Browser, ehr = 'patient') => beginLogin(world, browser, `ehr=${ehr}`)

const codeOf = ({ headers }: Answer) =>
  /details="([a-z_]+)"/.exec(headers.get('proxy-status') ?? '')?.[1]

test('[S5, S4] an exchange under way is shared by who holds the launch cookie, and by nobody else', async () => {
  answered = Promise.withResolvers()
  const victim = createBrowser()
  const callback = await begin(victim)
  const launchCookies = [...victim.cookies(world.app)].filter(([name]) => name.includes('-launch-'))
  assert.equal(launchCookies.length, 1)
  const [name = ''] = launchCookies[0] ?? []

  const other = createBrowser()
  await begin(other)
  const [, otherValue = ''] =
    [...other.cookies(world.app)].find(([each]) => each.includes('-launch-')) ?? []
  const strangers = [createBrowser(), other, createBrowser(), createBrowser()]
  strangers[2]?.setCookie(world.app, name, otherValue)
  strangers[3]?.setCookie(world.app, name, 'e30.e30')

  const before = exchanges
  const first = victim.fetch(callback)
  assert.ok(await eventually(() => exchanges > before))
  for (const stranger of strangers) {
    const refused = await stranger.fetch(callback)
    assert.deepEqual([refused.status, codeOf(refused)], [400, 'cookie_missing'])
    assert.ok(!refused.setCookies.some(each => /^fhirstorm-[\w-]{22}=/.test(each)))
  }
  let arrived = 0
  world.server.server.on('request', () => arrived++)
  const again = Array.from({ length: 5 }, () => victim.fetch(callback))
  assert.ok(await eventually(() => arrived === again.length))
  answered.resolve()
  const landings = await Promise.all([first, ...again])
  const locations = new Set(
    landings.map(({ status, headers }) => [status, headers.get('location')].join()),
  )
  assert.equal(locations.size, 1)
  assert.match([...locations][0] ?? '', /^303,.*session=/)
  assert.equal(exchanges, before + 1)
})

test('[C11] a callback that is fetched ahead of time is refused, and takes nothing from the user', async () => {
  answered.resolve()
  const browser = createBrowser()
  const callback = await begin(browser)
  const before = exchanges
  for (const headers of [
    { 'sec-purpose': 'prefetch' },
    { 'sec-purpose': 'prefetch;prerender' },
    { 'sec-purpose': 'prefetch;anonymous-client-ip' },
    { purpose: 'prefetch' },
    { purpose: 'preview' },
    { 'x-purpose': 'preview' },
    { 'x-moz': 'prefetch' },
  ] as Record<string, string>[]) {
    const refused = await browser.fetch(callback, { headers })
    assert.deepEqual([refused.status, codeOf(refused)], [400, 'prefetch_refused'])
    assert.deepEqual(refused.setCookies, [])
  }
  assert.equal(exchanges, before)
  assert.equal((await browser.fetch(callback)).status, 303)
  assert.equal(exchanges, before + 1)
})

/** The cookies of one browser in another, as if an answer had never come. */
function copy(from: Browser): Browser {
  const browser = createBrowser()
  for (const [name, value] of from.cookies(world.app)) browser.setCookie(world.app, name, value)
  return browser
}

test('[C16] an answer that was lost comes again for a minute, and then what it gave is taken back', async t => {
  answered.resolve()
  const browser = createBrowser()
  const callback = await begin(browser)
  const lost = copy(browser)
  const first = await browser.fetch(callback)
  const before = exchanges
  const second = await copy(lost).fetch(callback)
  assert.deepEqual(
    [second.status, second.headers.get('location')],
    [303, first.headers.get('location')],
  )
  const id = new URL(second.headers.get('location') ?? '').searchParams.get('session')
  assert.ok(second.setCookies.some(line => line.startsWith(`fhirstorm-${id}=`)))
  assert.equal(exchanges, before)

  t.mock.method(performance, 'now', () => 10 * 60_000)
  const late = await copy(lost).navigate(callback, () => true)
  assert.deepEqual([late.status, codeOf(late)], [400, 'state_used'])
  assert.match(late.text, /href="[^"]*\/login\?ehr=patient"/)
  const store = world.product.smartSessions
  assert.ok(
    await eventually(async () => {
      const found = await store.find('ehr', 'patient')
      return !found.some(head => head.id === store.recordId(id ?? ''))
    }),
  )
})

test('[C16] who goes back to the redirect URI is led to the session, also after a minute; a stranger never', async t => {
  answered.resolve()
  const browser = createBrowser()
  const callback = await begin(browser)
  const { headers } = await browser.fetch(callback)
  t.mock.method(performance, 'now', () => 20 * 60_000)
  for (let i = 0; i < 3; i++) {
    const again = await browser.fetch(callback)
    assert.deepEqual(
      [again.status, again.headers.get('location'), again.setCookies],
      [303, headers.get('location'), []],
    )
  }
  const stranger = await createBrowser().navigate(callback, () => true)
  assert.deepEqual([stranger.status, codeOf(stranger)], [400, 'state_used'])
  assert.equal(stranger.headers.get('location'), null)
  await browser.fetch(`${world.app}/logout`, { method: 'POST' })
  const over = await browser.navigate(callback, () => true)
  assert.deepEqual([over.status, codeOf(over)], [400, 'state_used'])
})

test('[L22] six logins at once: five go on, and the first is told why it did not', async () => {
  answered.resolve()
  const browser = createBrowser()
  const callbacks: string[] = []
  for (let i = 0; i < 6; i++) callbacks.push(await begin(browser))
  const [first = '', ...others] = callbacks
  const crowded = await browser.navigate(first, () => true)
  assert.deepEqual([crowded.status, codeOf(crowded)], [400, 'too_many_launches'])
  for (const callback of others) assert.equal((await browser.fetch(callback)).status, 303)
})

test('[C17] an error without a state says that access may have been refused, and changes nothing', async () => {
  const browser = createBrowser()
  const answer = await browser.navigate(
    `${world.app}/redirect/patient?error=access_denied`,
    () => true,
  )
  assert.deepEqual([answer.status, codeOf(answer)], [400, 'answer_unbound'])
  assert.match(answer.text, /access was not given/)
  assert.doesNotMatch(answer.text, /access_denied/)
})
