// Logging out, over real HTTP against the real sandbox: the user is out at once and everywhere, the
// tokens are given back to the EHR, and nobody else's session is touched.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { json } from '../../sandbox/http/answer.ts'
import { buildFarewellUrl, openFarewell } from '../../src/session/farewell.ts'
import { type Browser, createBrowser } from '../world/browser.ts'
import { ehrIdsWith, endlessFace, registerFaces } from '../world/ehrs.ts'
import { eventually } from '../world/eventually.ts'
import { type Line, startLine } from '../world/line.ts'
import { createWorld, type World } from '../world/world.ts'
import { type LoggedIn, launchFromEhr, logIn } from './login.ts'
import { openStream } from './stream.ts'
import { isAccepted, isRenewable, readTokens } from './tokens.ts'

const faces = [
  endlessFace,
  { name: 'far', about: 'Behind a line that breaks.' },
  {
    name: 'astray',
    about: 'Its end-session endpoint lies elsewhere.',
    smartConfiguration: (document: Record<string, unknown>) =>
      json({ ...document, end_session_endpoint: 'https://evil.example/logout' }),
  },
]

let world: World
let line: Line
/** Tokens that the EHR was asked to revoke. */
let revocations = 0
before(async () => {
  line = await startLine()
  world = await createWorld({
    sandbox: {
      faces,
      ehrIds: ehrIdsWith('endless', 'far', 'astray'),
      onRequest({ path }) {
        if (path.endsWith('/revoke')) revocations++
      },
    },
    configure(document, sandboxUrl) {
      registerFaces(document, sandboxUrl, ['endless', 'astray'])
      registerFaces(document, sandboxUrl, ['far'], { proxy: line.url })
      document.sessions = { postLogoutUrl: `${document.publicUrl}/` }
    },
  })
})
after(async () => {
  await world.close()
  await line.close()
})

const end = (browser: Browser, id: string) =>
  browser.fetch(`${world.app}/sessions/${id}`, { method: 'DELETE' })
/** Where an address leads a navigating browser. */
const follow = async (browser: Browser, url: string) =>
  new URL((await browser.navigate(url, () => true)).headers.get('location') ?? '')
const read = async (browser: Browser, { fhirBaseUrl }: LoggedIn) =>
  (await browser.fetch(`${fhirBaseUrl}/Patient`)).status
const list = async (browser: Browser) =>
  (await browser.fetch(`${world.app}/sessions`)).json<{ id: string }[]>().map(({ id }) => id)

test('[O1, K5, O8] ending a session takes record, cookie and tokens, and leaves the others', async () => {
  const browser = createBrowser()
  const session = await logIn(world, browser, 'amy-shaw')
  const other = await launchFromEhr(world, browser, 'ben-ortega')
  const tokens = await readTokens(world, browser, session.id)
  const kept = browser.cookies(world.app)
  const set = session.landing.setCookies.concat(browser.history.flatMap(each => each.setCookies))

  const out = await end(browser, session.id)
  assert.equal(out.status, 200, out.text)
  assert.equal(out.headers.get('cache-control'), 'no-store')
  assert.equal(out.headers.get('clear-site-data'), '"cache"')
  const attributes = (lines: string[]) =>
    lines
      .find(each => each.includes(session.id))
      ?.split('; ')
      .slice(1)
      .filter(part => !/^(Max-Age|Expires)=/.test(part))
  assert.deepEqual(attributes(out.setCookies), attributes(set))

  for (const [name, value] of kept) browser.setCookie(world.app, name, value)
  const answers = [
    await browser.fetch(`${world.app}/sessions/${session.id}`),
    await browser.fetch(`${session.fhirBaseUrl}/Patient`),
    await end(browser, session.id),
  ]
  for (const { status, headers } of answers) {
    assert.equal(status, 401)
    assert.match(headers.get('proxy-status') ?? '', /details="session_invalid"/)
  }
  assert.deepEqual(await list(browser), [other.id])
  assert.equal(await read(browser, other), 200)
  assert.ok(await eventually(async () => !(await isAccepted(world, tokens))))
  assert.equal(await isRenewable(world, tokens), false)
})

test('[O1] logging out of a browser ends all its sessions, and no other browser’s', async () => {
  const browser = createBrowser()
  const neighbour = createBrowser()
  const own = [
    await logIn(world, browser, 'amy-shaw'),
    await launchFromEhr(world, browser, 'ben-ortega'),
  ]
  const theirs = await logIn(world, neighbour, 'amy-shaw')
  const tokens = await Promise.all(own.map(({ id }) => readTokens(world, browser, id)))
  const out = await browser.fetch(`${world.app}/logout`, { method: 'POST' })
  assert.equal(out.status, 200, out.text)
  assert.equal(out.json<{ endSessionUrls: string[] }>().endSessionUrls.length, 2)
  assert.deepEqual(await list(browser), [])
  for (const session of own) assert.equal(await read(browser, session), 401)
  for (const set of tokens) {
    assert.ok(await eventually(async () => !(await isAccepted(world, set))))
    assert.equal(await isRenewable(world, set), false)
  }
  assert.equal(await read(neighbour, theirs), 200)
  assert.ok(await isRenewable(world, await readTokens(world, neighbour, theirs.id)))
  const again = await browser.fetch(`${world.app}/logout`, { method: 'POST' })
  assert.deepEqual([again.status, again.json()], [200, { endSessionUrls: [] }])
})

test('[O7] one’s own ticket ends nobody else’s session', async () => {
  const [victim, attacker] = [createBrowser(), createBrowser()]
  const theirs = await logIn(world, victim, 'amy-shaw')
  const own = await logIn(world, attacker, 'ben-ortega')
  assert.equal((await end(attacker, theirs.id)).status, 401)
  const name = [...attacker.cookies(world.app).keys()].find(each => each.includes(own.id)) ?? ''
  const value = attacker.cookies(world.app).get(name) ?? ''
  attacker.setCookie(world.app, name.replace(own.id, theirs.id), value)
  assert.equal((await end(attacker, theirs.id)).status, 401)
  await attacker.fetch(`${world.app}/logout`, { method: 'POST' })
  assert.equal(await read(victim, theirs), 200)
})

test('[O2, O1] with the EHR out of reach the user is out at once, and is not forgotten there', async () => {
  for (const breakLine of [line.cut, line.silence]) {
    const browser = createBrowser()
    const session = await logIn(world, browser, 'amy-shaw', 'ehr=far')
    const tokens = await readTokens(world, browser, session.id)
    breakLine()
    const [asked, before] = [line.asked, revocations]
    const out = await end(browser, session.id)
    assert.equal(out.status, 200, out.text)
    assert.deepEqual(await list(browser), [])
    // Both tokens have been tried; on the silent line the first one is still waiting.
    if (breakLine === line.cut) assert.ok(await eventually(() => line.asked >= asked + 2))
    assert.equal(revocations, before)
    line.mend()
    assert.ok(await eventually(() => revocations >= before + 2))
    assert.ok(await eventually(async () => !(await isAccepted(world, tokens, 'far'))))
    assert.equal(await isRenewable(world, tokens, 'far'), false)
  }
  const neighbour = createBrowser()
  const { id } = await logIn(world, neighbour, 'amy-shaw', 'ehr=far')
  assert.ok(await isRenewable(world, await readTokens(world, neighbour, id), 'far'))
})

test('[O3] the EHR’s own logout is named on a pinned origin, with the way back from the configuration', async () => {
  const browser = createBrowser()
  const session = await logIn(world, browser, 'amy-shaw')
  const evil = 'https://evil.example/'
  const out = await browser.fetch(
    `${world.app}/sessions/${session.id}?post_logout_redirect_uri=${encodeURIComponent(evil)}`,
    { method: 'DELETE', headers: { 'x-forwarded-host': 'evil.example', referer: evil } },
  )
  const { endSessionUrl } = out.json<{ endSessionUrl: string }>()
  assert.ok(endSessionUrl.startsWith(`${world.app}/logout/ehr?to=`))
  const url = await follow(browser, endSessionUrl)
  assert.equal(url.origin, world.sandbox.url)
  // What a script of the page can read holds no identity, and does not lead it there.
  const hint = url.searchParams.get('id_token_hint') ?? ''
  assert.match(hint, /^ey[\w-]+\.[\w-]+\.[\w-]+$/)
  assert.ok(hint.split('.').every(part => !out.text.includes(part)))
  const asked = await browser.fetch(endSessionUrl)
  assert.deepEqual([asked.status, asked.headers.get('location')], [400, null])
  assert.equal(url.searchParams.get('post_logout_redirect_uri'), `${world.app}/`)
  assert.deepEqual([...url.searchParams.keys()].sort(), [
    'client_id',
    'id_token_hint',
    'post_logout_redirect_uri',
  ])
  const page = await browser.navigate(endSessionUrl)
  assert.equal(page.status, 200)
  assert.match(page.text, /Sign out\?/)

  const astray = await logIn(world, browser, 'amy-shaw', 'ehr=astray')
  // The one elsewhere is left alone, and the EHR's OpenID configuration names a good one.
  const ended = (await end(browser, astray.id)).json<{ endSessionUrl: string }>()
  assert.equal((await follow(browser, ended.endSessionUrl)).origin, world.sandbox.url)
})

test('[O3] nothing but what we sealed within the last hour leads to the EHR', async () => {
  const keys: Uint8Array[] = [1, 2].map(filling => Buffer.alloc(32, filling))
  const [, old] = keys
  const now = Date.now()
  const about = { publicUrl: world.app, keys, now }
  const seal = async (how: Partial<typeof about>) =>
    new URL(
      await buildFarewellUrl('https://ehr.example.org/out', { ...about, ...how }),
    ).searchParams.get('to')
  assert.equal(await openFarewell(await seal({}), about), 'https://ehr.example.org/out')
  const kept = await seal({ keys: [old as Uint8Array] })
  assert.equal(await openFarewell(kept, about), 'https://ehr.example.org/out')
  for (const refused of [
    await seal({ keys: [Buffer.alloc(32, 3)] }),
    await seal({ publicUrl: 'https://other.example.org' }),
    await seal({ now: now - 3_700_000 }),
    ...[undefined, '', 'x', ['x'], `${await seal({})}x`, 'https://evil.example/'],
  ]) {
    assert.equal(await openFarewell(refused, about), undefined)
  }
  for (const to of ['', '?to=', '?to=https://evil.example/', `?to=${kept}`, '?to=a&to=b']) {
    const page = await createBrowser().navigate(`${world.app}/logout/ehr${to}`)
    assert.equal(page.status, 400)
    assert.doesNotMatch(page.text, /evil/)
  }
})

test('[K5, O1] a logout cuts what the session is reading, and nothing else', async () => {
  const browser = createBrowser()
  const one = await logIn(world, browser, 'amy-shaw', 'ehr=endless')
  const other = await logIn(world, browser, 'ben-ortega', 'ehr=endless')
  const cut = await openStream(browser, `${one.fhirBaseUrl}/Patient`)
  const whole = await openStream(browser, `${other.fhirBaseUrl}/Patient`)
  assert.equal((await end(browser, one.id)).status, 200)
  await cut.cut()
  assert.ok(whole.isOpen())
  assert.equal((await browser.fetch(`${world.app}/logout`, { method: 'POST' })).status, 200)
  await whole.cut()
})

test('[G1, G7] no token and no id of these sessions is in the log', () => {
  const log = world.log.join('')
  assert.match(log, /"level":"info"/)
  for (const word of ['eyJ', 'amy-shaw', 'Bearer', 'id_token', 'refresh_token', 'evil']) {
    assert.ok(!log.includes(word), word)
  }
})
