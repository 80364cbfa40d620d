// Guards that a route of the product relies on, each seen from outside: what passes, what does not, and
// that nothing has happened when it does not.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Browser, createBrowser } from '../world/browser.ts'
import { createWorld, type World } from '../world/world.ts'
import { type LoggedIn, logIn } from './login.ts'

const EVIL = 'https://evil.example'
let world: World
let framed: World
before(async () => {
  world = await createWorld()
  framed = await createWorld({
    configure(document) {
      for (const ehr of document.ehrs) ehr.embedded = ehr.id === 'general'
    },
  })
})
after(() => Promise.all([world.close(), framed.close()]))

/** A request with the browser's cookies and exactly these headers. */
async function ask(
  { app }: World,
  browser: Browser,
  [method, path]: readonly [method: string, path: string],
  headers: Record<string, string> = {},
) {
  const cookie = [...browser.cookies(app)].map(pair => pair.join('=')).join('; ')
  const answer = await fetch(app + path, { method, headers: { ...headers, cookie } })
  const [, code] = /details="(\w+)"/.exec(answer.headers.get('proxy-status') ?? '') ?? []
  return { status: answer.status, code, cookies: answer.headers.getSetCookie() }
}

test('[K17] in a frame a session document is read by our own page, or with the header, by nobody else', async () => {
  const browser = createBrowser()
  const { id } = await logIn(framed, browser, 'amy-shaw')
  for (const path of ['/sessions', `/sessions/${id}`, `/sessions/${id}?slide=false`]) {
    const read = (headers?: Record<string, string>) => ask(framed, browser, ['GET', path], headers)
    const bare = await read()
    assert.deepEqual([bare.status, bare.code], [403, 'csrf_header_missing'], path)
    assert.equal((await read({ origin: EVIL, 'x-csrf': '1' })).status, 403)
    assert.equal((await read({ 'sec-fetch-site': 'cross-site', 'x-csrf': '1' })).status, 403)
    assert.equal((await read({ 'sec-fetch-site': 'same-site' })).status, 403)
    const ours: Record<string, string>[] = [
      { 'x-csrf': '1' },
      { origin: framed.app },
      { 'sec-fetch-site': 'same-origin', 'sec-fetch-mode': 'cors', 'sec-fetch-dest': 'empty' },
    ]
    for (const own of ours) {
      assert.equal((await read(own)).status, 200, `${path} ${JSON.stringify(own)}`)
    }
  }
  const plain = createBrowser()
  const other = await logIn(framed, plain, 'amy-shaw', 'ehr=dstu2')
  assert.equal((await ask(framed, plain, ['GET', `/sessions/${other.id}`])).status, 200)
})

test('[C5] a login refused in a frame clears the very cookie that it had set', async () => {
  const browser = createBrowser()
  const begun = await browser.navigate(`${framed.app}/login?ehr=general`, () => true)
  const authorize = new URL(begun.headers.get('location') ?? '').searchParams
  const back = new URL(authorize.get('redirect_uri') ?? '')
  const state = authorize.get('state') ?? ''
  back.search = `${new URLSearchParams({ error: 'access_denied', state, iss: framed.sandbox.url })}`
  const refused = await browser.navigate(back.href, () => true)
  assert.equal(refused.status, 303)
  const [set, cleared] = [begun, refused].map(({ headers }) => {
    const cookie = headers.getSetCookie().find(text => text.includes('-launch-')) ?? ''
    const [pair = '', ...attributes] = cookie.split('; ')
    const place = attributes.filter(text => !/^(?:Max-Age|Expires)=/.test(text)).sort()
    return [pair.split('=')[0], ...place]
  })
  assert.ok(set && set.length > 1)
  assert.deepEqual(cleared, set)
})

test('[X1, X5] nobody but our own pages ends a session, one or all', async () => {
  const browser = createBrowser()
  const { id, fhirBaseUrl }: LoggedIn = await logIn(world, browser, 'amy-shaw')
  const before = new Map(browser.cookies(world.app))
  const ends = [
    ['POST', '/logout'],
    ['DELETE', `/sessions/${id}`],
  ] as const
  for (const end of ends) {
    for (const [headers, code] of [
      [{}, 'csrf_header_missing'],
      [{ 'content-type': 'application/x-www-form-urlencoded' }, 'csrf_header_missing'],
      [{ 'x-csrf': 'true' }, 'csrf_header_missing'],
      [{ origin: EVIL }, 'cross_site'],
      [{ origin: 'null' }, 'cross_site'],
      [{ origin: EVIL, 'x-csrf': '1' }, 'cross_site'],
      [{ 'sec-fetch-site': 'cross-site', 'x-csrf': '1' }, 'cross_site'],
      [{ 'sec-fetch-site': 'same-site', 'x-csrf': '1' }, 'cross_site'],
      [
        { origin: world.app, 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' },
        'navigation_refused',
      ],
    ] as const) {
      const answer = await ask(world, browser, end, headers)
      assert.deepEqual([answer.status, answer.code], [403, code], JSON.stringify([end, headers]))
      assert.deepEqual(answer.cookies, [])
    }
  }
  assert.deepEqual(browser.cookies(world.app), before)
  assert.equal((await browser.fetch(`${fhirBaseUrl}/Patient/amy-shaw`)).status, 200)
  assert.equal((await ask(world, browser, ends[0], { 'x-csrf': '1' })).status, 200)
  assert.equal((await browser.fetch(`${fhirBaseUrl}/Patient/amy-shaw`)).status, 401)
})

test('[K9] a browser cookie that is none of ours is replaced, and nothing is kept under it', async () => {
  const name = 'fhirstorm-browser'
  for (const planted of [
    ...['x', 'A'.repeat(21), 'A'.repeat(23), 'A'.repeat(2000), `${'A'.repeat(21)}=`],
    ...[
      `${'A'.repeat(21)}.`,
      `${'A'.repeat(21)}+`,
      `${'A'.repeat(20)}%41`,
      '"AAAAAAAAAAAAAAAAAAAA"',
    ],
  ]) {
    const browser = createBrowser()
    browser.setCookie(world.app, name, planted)
    await logIn(world, browser, 'amy-shaw')
    const given = browser.cookies(world.app).get(name) ?? ''
    assert.match(given, /^[A-Za-z0-9_-]{22}$/, planted)
    assert.notEqual(given, planted)
    const store = world.product.smartSessions
    assert.deepEqual(await store.find('browser', planted), [], planted)
    assert.equal((await store.find('browser', given)).length, 1)
  }
  const kept = createBrowser()
  kept.setCookie(world.app, name, 'A'.repeat(22))
  await logIn(world, kept, 'amy-shaw')
  assert.equal(kept.cookies(world.app).get(name), 'A'.repeat(22))
})
