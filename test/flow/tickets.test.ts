// Tickets over real HTTP: tossed, fixed, tampered with, sent in masses. A ticket opens its own session
// or nothing, and what is refused looks the same whatever the cause.

import assert from 'node:assert/strict'
import { request } from 'node:http'
import { after, before, test } from 'node:test'
import { type Browser, createBrowser } from '../world/browser.ts'
import { createWorld, type World } from '../world/world.ts'
import { type LoggedIn, launchFromEhr, logIn } from './login.ts'

let world: World
let victim: Browser
let session: LoggedIn
/** Name and value of the victim's ticket. */
let name: string
let value: string
before(async () => {
  world = await createWorld()
  victim = createBrowser()
  session = await logIn(world, victim, 'amy-shaw')
  const [ticket = ['', '']] = [...victim.cookies(world.app)].filter(([key]) =>
    key.endsWith(session.id),
  )
  ;[name, value] = ticket
})
after(() => world.close())

/** A GET with exactly this Cookie header; the status and the code of the refusal. */
async function get(path: string, cookie: string | string[]) {
  const { hostname, port } = new URL(world.app)
  return await new Promise<{ status: number; text: string; setCookies: string[] }>((done, fail) => {
    const sent = request({ hostname, port, path, headers: { cookie } }, answer => {
      let text = ''
      answer.setEncoding('utf8').on('data', chunk => {
        text += chunk
      })
      answer.on('end', () =>
        done({
          text,
          status: answer.statusCode ?? 0,
          setCookies: answer.headers['set-cookie'] ?? [],
        }),
      )
    })
    sent.on('error', fail).end()
  })
}

const patient = () => `/sessions/${session.id}/fhir/Patient`

test('[K8, K9] a cookie that is sent twice, or under another spelling, is none', async () => {
  const evil = `${name}=evil`
  const good = `${name}=${value}`
  assert.equal((await get(patient(), good)).status, 200)
  const spellings: (string | string[])[] = [
    `${evil}; ${good}`,
    `${good}; ${evil}`,
    `${good}; ${good}`,
    [evil, good],
    `${name.toUpperCase()}=${value}`,
    `%66${name.slice(1)}=${value}`,
    `${name}="${value}"`,
    `${name}=${value}x`,
    `${name} =${value}`,
    `=${good}`,
    `$Version=1; ${name}=${value.slice(0, -1)}`,
    `x=${good}`,
  ]
  for (const cookie of spellings) {
    assert.equal((await get(patient(), cookie)).status, 401, String(cookie).slice(0, 60))
  }
  assert.equal((await get(patient(), `$Version=1; ${good}; x=1`)).status, 200)
})

test('[K2, K3, K14] a ticket that is tampered with, cut or of another session: one identical 401', async () => {
  const other = createBrowser()
  const theirs = await logIn(world, other, 'ben-ortega')
  const texts = new Set<string>()
  const refuse = async (path: string, cookie: string) => {
    const { status, text } = await get(path, cookie)
    assert.equal(status, 401, cookie.slice(0, 60))
    texts.add(text)
  }
  for (let at = 0; at < value.length; at += 7) {
    const flipped = value[at] === 'A' ? 'B' : 'A'
    await refuse(patient(), `${name}=${value.slice(0, at)}${flipped}${value.slice(at + 1)}`)
    await refuse(patient(), `${name}=${value.slice(0, at)}`)
  }
  await refuse(`/sessions/${theirs.id}/fhir/Patient`, `${name}=${value}`)
  await refuse(`/sessions/${theirs.id}/fhir/Patient`, `fhirstorm-${theirs.id}=${value}`)
  await refuse(`/sessions/${'A'.repeat(22)}/fhir/Patient`, `${name}=${value}`)
  assert.equal(texts.size, 1)
})

test('[K3] another text of the very same bytes is another ticket: 401', async () => {
  const browser = createBrowser()
  const other = await logIn(world, browser, 'amy-shaw', 'ehr=dstu2')
  const tickets = [...browser.cookies(world.app)].filter(([key]) => key.endsWith(other.id))
  let variants = 0
  for (const [key, text] of [[name, value], ...tickets] as [string, string][]) {
    const id = key === name ? session.id : other.id
    assert.equal((await get(`/sessions/${id}`, `${key}=${text}`)).status, 200)
    const [cipher = '', nonce = ''] = text.split('.')
    const bytes = Buffer.from(cipher, 'base64url')
    for (const last of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_') {
      const twin = cipher.slice(0, -1) + last
      if (twin === cipher || !Buffer.from(twin, 'base64url').equals(bytes)) continue
      variants++
      assert.equal((await get(`/sessions/${id}`, `${key}=${twin}.${nonce}`)).status, 401)
    }
  }
  // The two ids differ in length, so that one of them has spare bits.
  assert.ok(variants >= 3)
})

test('[K4] a launch cookie is no ticket, and a ticket no launch cookie', async () => {
  const browser = createBrowser()
  await browser.navigate(`${world.app}/login?ehr=general`, () => true)
  const [launch = ''] = [...browser.cookies(world.app)]
    .filter(([key]) => key.includes('-launch-'))
    .map(([, text]) => text)
  assert.equal((await get(patient(), `${name}=${launch}`)).status, 401)
  const begun = await browser.navigate(`${world.app}/login?ehr=general`, () => true)
  const authorize = `${begun.headers.get('location')}&patient=amy-shaw&auto=1`
  const stopped = await browser.navigate(authorize, url => url.startsWith(world.app))
  for (const key of browser.cookies(world.app).keys()) browser.setCookie(world.app, key, value)
  assert.equal((await browser.navigate(stopped.headers.get('location') ?? '')).status, 400)
})

test('[C13, X10] cookies that somebody planted are not what a login gives', async () => {
  const attacker = createBrowser()
  const planted = await logIn(world, attacker, 'ben-ortega')
  const browser = createBrowser()
  for (const [key, text] of attacker.cookies(world.app)) browser.setCookie(world.app, key, text)
  const own = await launchFromEhr(world, browser, 'amy-shaw')
  assert.notEqual(own.id, planted.id)
  const ticket = [...browser.cookies(world.app)].find(([key]) => key.endsWith(own.id))
  assert.ok(ticket && ![...attacker.cookies(world.app).values()].includes(ticket[1]))
  assert.equal((await attacker.fetch(`${own.fhirBaseUrl}/Patient`)).status, 401)
  const { patient: shown } = own.document as { patient: string }
  assert.equal(shown, 'amy-shaw')
})

test('[K10] masses of cookies and very long ones are refused or passed over', async () => {
  const good = `${name}=${value}`
  assert.equal((await get(patient(), `${good}; x=${'y'.repeat(17 * 1024)}`)).status, 431)
  const many = Array.from({ length: 500 }, (_, i) => `c${i}=${i}`).join('; ')
  assert.equal((await get(patient(), `${many}; ${good}`)).status, 200)
  const random = () => Buffer.from(crypto.getRandomValues(new Uint8Array(16))).toString('base64url')
  const forged = Array.from({ length: 200 }, () => `fhirstorm-${random()}=e30.e30`).join('; ')
  const listed = await get('/sessions', `${forged}; ${good}`)
  assert.equal(listed.status, 200)
  assert.equal(JSON.parse(listed.text).length, 1)
  // An answer that clears them all at once would be too large for a proxy in front.
  assert.equal(listed.setCookies.length, 16)
  const odd = `__proto__=1; constructor=2; fhirstorm-__proto__=3; fhirstorm-=4; ${good}`
  assert.equal((await get('/sessions', odd)).status, 200)
  assert.equal((await get(patient(), odd)).status, 200)
})

test('[K15, K16] no FHIR answer sets a cookie; what sets one is kept by no cache', async () => {
  await victim.fetch(`${session.fhirBaseUrl}/Patient/nobody`)
  await victim.fetch(`${session.fhirBaseUrl}/Patient`, { headers: { 'if-none-match': 'W/"1"' } })
  let withCookies = 0
  for (const { url, headers, setCookies } of victim.history) {
    if (!url.startsWith(world.app)) continue
    if (url.includes('/fhir')) assert.deepEqual(setCookies, [])
    if (setCookies.length === 0) continue
    withCookies++
    assert.match(headers.get('cache-control') ?? '', /no-store/, url.split('?')[0])
  }
  assert.ok(withCookies >= 2)
})

test('[AD5, K18] the session document is a context and no more, and asks for a caller of ours', async () => {
  const { text, headers } = await victim.fetch(`${world.app}/sessions/${session.id}`)
  assert.equal(headers.get('cache-control'), 'no-store')
  assert.match(headers.get('vary') ?? '', /Cookie/)
  assert.doesNotMatch(text, /token|secret|eyJ|nonce|verifier/i)
  assert.ok(!text.includes(value))
  for (const path of [`/sessions/${session.id}`, '/sessions']) {
    const foreign = { headers: { 'sec-fetch-site': 'cross-site' } }
    assert.equal((await victim.fetch(world.app + path, foreign)).status, 403)
  }
})
