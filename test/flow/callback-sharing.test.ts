// The callback while its exchange is under way: only the browser that began the launch shares the answer,
// and whoever fetches the page ahead of time neither gets nor spoils it.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { TokenCall } from '../../sandbox/faces/face.ts'
import { json } from '../../sandbox/http/answer.ts'
import { type Answer, type Browser, createBrowser } from '../world/browser.ts'
import { ehrIdsWith, registerFaces } from '../world/ehrs.ts'
import { createWorld, type World } from '../world/world.ts'
import { eventually } from './tokens.ts'

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

/** A login up to the EHR's answer, which is the callback's URL. */
async function beginLogin(browser: Browser, ehr = 'patient'): Promise<string> {
  const begun = await browser.navigate(`${world.app}/login?ehr=${ehr}`, () => true)
  const authorize = `${begun.headers.get('location')}&patient=amy-shaw&auto=1`
  const stopped = await browser.navigate(authorize, url => url.startsWith(world.app))
  return stopped.headers.get('location') ?? ''
}

const codeOf = ({ headers }: Answer) =>
  /details="([a-z_]+)"/.exec(headers.get('proxy-status') ?? '')?.[1]

test('[S5, S4] an exchange under way is shared by who holds the launch cookie, and by nobody else', async () => {
  answered = Promise.withResolvers()
  const victim = createBrowser()
  const callback = await beginLogin(victim)
  const launchCookies = [...victim.cookies(world.app)].filter(([name]) => name.includes('-launch-'))
  assert.equal(launchCookies.length, 1)
  const [name = ''] = launchCookies[0] ?? []

  const other = createBrowser()
  await beginLogin(other)
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
  const callback = await beginLogin(browser)
  const before = exchanges
  for (const purpose of ['prefetch', 'prefetch;prerender', 'prefetch;anonymous-client-ip']) {
    const refused = await browser.fetch(callback, { headers: { 'sec-purpose': purpose } })
    assert.deepEqual([refused.status, codeOf(refused)], [400, 'prefetch_refused'])
    assert.deepEqual(refused.setCookies, [])
  }
  assert.equal(exchanges, before)
  assert.equal((await browser.fetch(callback)).status, 303)
  assert.equal(exchanges, before + 1)
})
