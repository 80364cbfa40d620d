// What the whole product refuses or ignores, asked over HTTP, and that it goes on working.

import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { connect } from 'node:net'
import { after, before, test } from 'node:test'
import { createBrowser } from '../world/browser.ts'
import { createWorld, type World } from '../world/world.ts'
import { logIn } from './login.ts'

let world: World
before(async () => {
  world = await createWorld()
})
after(() => world.close())

const begin = async (browser = createBrowser()) => {
  const begun = await browser.navigate(`${world.app}/login?ehr=general`, () => true)
  const location = new URL(begun.headers.get('location') ?? '')
  return { browser, begun, location, state: location.searchParams.get('state') ?? '' }
}

test('[S13] a browser that blocks cookies is told so, and its state is not accepted unbound', async () => {
  const { location } = await begin()
  const cookieless = createBrowser()
  const callback = await createBrowser().navigate(`${location}&patient=amy-shaw&auto=1`, url =>
    url.startsWith(world.app),
  )
  const answer = await cookieless.navigate(callback.headers.get('location') ?? '')
  assert.equal(answer.status, 400)
  assert.match(answer.text, /blocks cookies/)
})

test('[C6] an error answer with a foreign or missing state is refused and consumes nothing', async () => {
  const { browser, location } = await begin()
  for (const query of ['error=access_denied', 'error=access_denied&state=forged']) {
    assert.equal((await browser.fetch(`${world.app}/redirect/general?${query}`)).status, 400)
  }
  const landing = await browser.navigate(`${location}&patient=amy-shaw&auto=1`)
  assert.ok(new URL(landing.url).searchParams.get('session'))
})

test('[C15, AL-13, AD3] another Host is refused, and forged forwarding headers change nothing', async () => {
  const { state } = await begin()
  for (const host of ['evil.test', 'localhost', '127.0.0.1', 'localhost:1', 'a@b', '']) {
    const url = `/redirect/general?code=x&state=${state}`
    assert.equal((await world.server.inject({ url, headers: { host } })).statusCode, 421, host)
  }
  const headers = {
    host: new URL(world.app).host,
    'x-forwarded-host': 'evil.test',
    'x-forwarded-proto': 'https',
    forwarded: 'host=evil.test;proto=https',
    'x-original-url': '/evil',
  }
  const answer = await world.server.inject({ url: '/login?ehr=general', headers })
  const asked = new URL(String(answer.headers.location)).searchParams.get('redirect_uri')
  assert.equal(asked, `${world.app}/redirect/general`)
})

test('[K10] cookie bombs and odd names end in 4xx or nothing, never in 500', async () => {
  const host = new URL(world.app).host
  const ask = async (cookie: string) =>
    (await world.server.inject({ url: '/sessions', headers: { host, cookie } })).statusCode
  assert.equal(await ask('__proto__=x; constructor=y; toString=z'), 200)
  assert.equal(await ask(Array.from({ length: 500 }, (_, i) => `c${i}=1`).join('; ')), 200)
  const answer = await fetch(`${world.app}/sessions`, {
    headers: { cookie: `a=${'x'.repeat(20_000)}` },
  })
  assert.equal(answer.status, 431)
  assert.match(answer.headers.get('proxy-status') ?? '', /headers_too_large/)
})

test('[K15, K16] FHIR answers set no cookie and are stored nowhere, also when tokens are renewed', async () => {
  const browser = createBrowser()
  const { fhirBaseUrl } = await logIn(world, browser, 'amy-shaw')
  for (let round = 0; round < 2; round++) {
    const answer = await browser.fetch(`${fhirBaseUrl}/Patient/amy-shaw`)
    assert.equal(answer.status, 200)
    assert.deepEqual(answer.setCookies, [])
    assert.match(answer.headers.get('cache-control') ?? '', /no-store, private/)
    assert.match(answer.headers.get('vary') ?? '', /Cookie/)
    world.sandbox.expireAccessTokens()
  }
})

test('[K20, K1] behind https every cookie is __Host- and Secure, and plain names are not ours', async t => {
  const secure = await createWorld({
    configure(document) {
      document.publicUrl = 'https://app.example.org'
    },
  })
  t.after(() => secure.close())
  const headers = { host: 'app.example.org' }
  const answer = await secure.server.inject({ url: '/login?ehr=general', headers })
  for (const line of [answer.headers['set-cookie'] ?? []].flat()) {
    assert.match(line, /^__Host-.*; Path=\/; HttpOnly; Secure; SameSite=/)
    assert.doesNotMatch(line, /domain/i)
  }
  assert.match(String(answer.headers['strict-transport-security']), /max-age=/)
  const id = 'A'.repeat(22)
  const plain = { ...headers, cookie: `fhirstorm-${id}=x.${'A'.repeat(32)}` }
  const sessions = await secure.server.inject({ url: '/sessions', headers: plain })
  assert.equal(sessions.headers['set-cookie'], undefined)
})

test('[X10, L21] a launch started by another site leaves the session at hand as it is', async () => {
  const browser = createBrowser()
  const { fhirBaseUrl } = await logIn(world, browser, 'amy-shaw')
  const before = new Map(browser.cookies(world.app))
  await browser.navigate(`${world.app}/launch?iss=${world.sandbox.url}/r4&launch=x`, () => true)
  for (const [name, value] of before) assert.equal(browser.cookies(world.app).get(name), value)
  assert.equal((await browser.fetch(`${fhirBaseUrl}/Patient/amy-shaw`)).status, 200)
  assert.equal((await browser.fetch(`${world.app}/sessions`)).json<unknown[]>().length, 1)
})

test('[X13] a path that looks like a file is FHIR all the same, and is not cached', async () => {
  const browser = createBrowser()
  const { fhirBaseUrl } = await logIn(world, browser, 'amy-shaw')
  for (const path of ['/Patient/amy-shaw.css', '/Patient/1.js?x.png', '/Patient/a%2ejs']) {
    const answer = await browser.fetch(fhirBaseUrl + path)
    assert.match(answer.headers.get('cache-control') ?? '', /^no-store, private/, path)
    assert.ok(answer.status >= 400, path)
  }
})

test('[P13, AL-53, AL-54] no parameter and no path leads to another server', async t => {
  let asked = 0
  const evil = createServer((_request, response) => {
    asked++
    response.end()
  })
  await new Promise<void>(done => evil.listen(0, '127.0.0.2', done))
  t.after(() => new Promise(done => evil.close(done)))
  const address = `http://127.0.0.2:${(evil.address() as AddressInfo).port}`
  const browser = createBrowser()
  const { fhirBaseUrl } = await logIn(world, browser, 'amy-shaw')
  for (const path of [
    `?next=${address}/fhir`,
    `?_getpages=${address}`,
    `?url=${encodeURIComponent(address)}`,
  ]) {
    await browser.fetch(fhirBaseUrl + path)
  }
  for (const path of [`/${address}/Patient`, `//127.0.0.2/Patient`, `/http:%2f%2f127.0.0.2/`]) {
    const answer = await browser.fetch(fhirBaseUrl + path)
    assert.equal(answer.status, 400, path)
    assert.match(answer.headers.get('proxy-status') ?? '', /path_invalid/)
  }
  assert.equal(asked, 0)
})

test('[SC-09, ST-17, R9] what the EHR forbids is told in its own words, and every call carries the token', async () => {
  const browser = createBrowser()
  const { fhirBaseUrl } = await logIn(world, browser, 'amy-shaw')
  const forbidden = await browser.fetch(`${fhirBaseUrl}/Patient/ben-ortega`)
  assert.ok([403, 404].includes(forbidden.status), `${forbidden.status}`)
  assert.equal(forbidden.headers.get('proxy-status'), null)
  assert.equal(forbidden.json<{ resourceType: string }>().resourceType, 'OperationOutcome')
  const state = await browser.fetch(`${fhirBaseUrl}/Basic?code=app-state`)
  assert.notEqual(state.status, 401)
})

test('[F11] nobody but the product can ask for a renewal, and no answer holds a token', async () => {
  const browser = createBrowser()
  await logIn(world, browser, 'amy-shaw')
  for (const path of ['/refresh', '/token', '/sessions/refresh', '/userinfo']) {
    const answer = await browser.fetch(world.app + path, { method: 'POST' })
    assert.ok([404, 405].includes(answer.status), `${path} ${answer.status}`)
  }
})

test('[AD5, AL-49] the session document holds what the contract lists, and nothing else', async () => {
  const browser = createBrowser()
  const { document } = await logIn(world, browser, 'amy-shaw')
  const text = JSON.stringify(document)
  assert.doesNotMatch(text, /token|secret|refresh|bearer|eyJ/i)
  const stranger = await createBrowser().fetch(`${world.app}/sessions/${document.id}`)
  assert.equal(stranger.status, 401)
})

test('[Q15, AL-30] launch and callback are plain redirects: no script, no page, no frame is needed', async () => {
  const { browser, begun, location } = await begin()
  assert.equal(begun.status, 302)
  assert.equal(begun.text, '')
  const callback = await browser.navigate(`${location}&patient=amy-shaw&auto=1`, url =>
    url.startsWith(`${world.app}/redirect`),
  )
  const landed = await browser.fetch(callback.headers.get('location') ?? '')
  assert.equal(landed.status, 303)
  assert.equal(landed.text, '')
  for (const line of [...begun.setCookies, ...landed.setCookies]) {
    assert.doesNotMatch(line, /Partitioned/)
  }
})

test('[G9, G4, G6] nothing of a request comes back in a refusal or gets into the log', async () => {
  const marker = 'zq9injected'
  const answer = await fetch(`${world.app}/%3Cscript%3E${marker}?${marker}=1`, {
    headers: {
      'user-agent': `${marker} "}{"level":"fatal"}`,
      'x-request-id': `${marker}"}`,
      traceparent: `00-${marker}`,
      referer: `http://x/${marker}`,
    },
  })
  assert.equal(answer.status, 404)
  const body = await answer.text()
  assert.ok(!body.includes(marker))
  assert.doesNotMatch(body + JSON.stringify([...answer.headers]), /node|fastify|undici|\bat /i)
  const log = world.log.join('')
  assert.ok(!log.includes(marker))
  for (const line of log.split('\n').filter(Boolean)) assert.ok(JSON.parse(line))
})

test('[DS1] two hundred half-sent requests keep nobody waiting', async t => {
  const { hostname, port } = new URL(world.app)
  const sockets = Array.from({ length: 200 }, () => {
    const socket = connect(Number(port), hostname)
    socket.on('error', () => {})
    socket.write('GET /sessions HTTP/1.1\r\nHost: x\r\nX-Slow: ')
    return socket
  })
  t.after(() => {
    for (const socket of sockets) socket.destroy()
  })
  const browser = createBrowser()
  const { fhirBaseUrl } = await logIn(world, browser, 'amy-shaw')
  assert.equal((await browser.fetch(`${fhirBaseUrl}/Patient/amy-shaw`)).status, 200)
  const { headersTimeout, requestTimeout, maxRequestsPerSocket } = world.server.server
  assert.ok(headersTimeout > 0 && headersTimeout <= 30_000)
  assert.ok(maxRequestsPerSocket && maxRequestsPerSocket > 0)
  assert.ok(requestTimeout !== undefined)
})

test('[V16, BP-06] a session that was ended leaves no record', async () => {
  const browser = createBrowser()
  const { id } = await logIn(world, browser, 'amy-shaw')
  const store = world.product.smartSessions
  assert.ok(await world.product.smartVault.read(store.recordId(id)))
  const out = await browser.fetch(`${world.app}/sessions/${id}`, { method: 'DELETE' })
  assert.equal(out.status, 200)
  assert.equal(await world.product.smartVault.read(store.recordId(id)), undefined)
})

test('[BP-03, AL-51] sessions end when nobody is there, and what is kept is sealed', async t => {
  let offset = 0
  const later = await createWorld({ now: () => Date.now() + offset })
  t.after(() => later.close())
  const browser = createBrowser()
  const { id, fhirBaseUrl } = await logIn(later, browser, 'amy-shaw')
  const record = await later.product.smartVault.read(later.product.smartSessions.recordId(id))
  assert.ok(record)
  assert.doesNotMatch(Buffer.from(record.value).toString('latin1'), /amy-shaw|accessToken|eyJ/)
  offset = 16 * 60_000
  assert.equal((await browser.fetch(`${fhirBaseUrl}/Patient/amy-shaw`)).status, 401)
})

test('[O6] a back-channel logout of ten megabytes, or without a proper token, ends nothing', async () => {
  const browser = createBrowser()
  const { fhirBaseUrl } = await logIn(world, browser, 'amy-shaw')
  const post = async (body: string) =>
    (
      await fetch(`${world.app}/backchannel-logout`, {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body,
      }).catch(() => ({ status: 413 }))
    ).status
  assert.equal(await post(`logout_token=${'a'.repeat(10_000_000)}`), 413)
  for (const body of ['', 'logout_token=', 'logout_token=a.b.c', 'logout_token=x&logout_token=y']) {
    assert.equal(await post(body), 400, body)
  }
  assert.equal((await browser.fetch(`${fhirBaseUrl}/Patient/amy-shaw`)).status, 200)
})
