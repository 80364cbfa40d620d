// The app's own API behind the same session: who calls, by nginx, by Caddy, by the API itself, and as Envoy asks;
// what is told and signed, and everything that must not be taken for a caller.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { request as ask } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose'
import { type Browser, createBrowser } from '../world/browser.ts'
import { adopt, end } from '../world/children.ts'
import { removeFolder } from '../world/folder.ts'
import { findPort } from '../world/port.ts'
import { hasPrograms } from '../world/program.ts'
import { createWorld, type World } from '../world/world.ts'
import { logIn } from './login.ts'

const AUDIENCE = 'https://api.example.org'

const MANY_SCOPES = Array.from({ length: 100 }, (_, i) => `patient/Observation.rs?code=${i}`).join(
  ' ',
)

interface Told {
  status: number
  headers: Record<string, string | string[] | undefined>
}

describe('the internal listener', () => {
  let folder: string
  let socket: string
  let world: World
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'fhirstorm-verify-'))
    socket = join(folder, 'internal.sock')
    world = await createWorld({
      configure(document) {
        document.internal = { socket }
        // Longer than a page of memory, which is what nginx would hold of an answer's headers.
        document.ehrs[0].scope += ` ${MANY_SCOPES}`
        document.apis = [
          { id: 'notes', audience: AUDIENCE },
          { id: 'other', audience: 'https://other.example.org' },
        ]
      },
    })
  })
  after(async () => {
    await world.close()
    removeFolder(folder)
  })

  const cookieOf = (browser: Browser) =>
    [...browser.cookies(world.app)].map(pair => pair.join('=')).join('; ')

  function verify(
    path: string,
    headers: Record<string, string | string[]>,
    method = 'GET',
  ): Promise<Told> {
    return new Promise((done, fail) => {
      const asked = ask({ socketPath: socket, path, method, headers }, response => {
        response.resume()
        done({ status: response.statusCode ?? 0, headers: response.headers })
      })
      asked.on('error', fail).end()
    })
  }

  const original = (uri: string, method = 'GET') => ({
    ...{ 'x-original-method': method, 'x-original-uri': uri, 'sec-fetch-site': 'same-origin' },
  })

  test('[VE1] tells which session, who and which patient, and signs it for one API', async () => {
    const browser = createBrowser()
    const { id, document } = await logIn(world, browser, 'amy-shaw')
    const cookie = cookieOf(browser)
    const told = await verify('/verify?api=notes', {
      ...{ cookie, ...original(`/api/notes?session=${id}`) },
    })
    assert.equal(told.status, 200)
    assert.equal(told.headers['fhirstorm-session'], id)
    assert.equal(told.headers['fhirstorm-ehr'], 'general')
    assert.equal(told.headers['fhirstorm-patient'], 'amy-shaw')
    assert.equal(told.headers['fhirstorm-user'], document.fhirUser)
    assert.match(String(told.headers['fhirstorm-scope']), /patient\//)
    assert.equal(told.headers['cache-control'], 'no-store')
    const keys = await (await fetch(`${world.app}/.well-known/api-jwks.json`)).json()
    const set = createLocalJWKSet(keys as JSONWebKeySet)
    const text = String(told.headers['fhirstorm-assertion'])
    const { payload } = await jwtVerify(text, set, {
      ...{ issuer: world.app, audience: AUDIENCE, algorithms: ['ES256'] },
    })
    assert.deepEqual(
      [payload.sid, payload.patient, payload.ehr, payload.fhirUser],
      [id, 'amy-shaw', 'general', document.fhirUser],
    )
    assert.equal((payload.exp ?? 0) - (payload.iat ?? 0), 60)
    // Kept for half its life, per API; the keys are none that EHRs trust.
    const named = { cookie, ...original('/api'), 'fhirstorm-session': id }
    const again = await verify('/verify?api=notes', named)
    assert.equal(again.headers['fhirstorm-assertion'], text)
    const other = await verify('/verify?api=other', named)
    await jwtVerify(String(other.headers['fhirstorm-assertion']), set, {
      audience: 'https://other.example.org',
    })
    assert.equal((await verify('/verify', named)).headers['fhirstorm-assertion'], undefined)
    assert.equal(
      (await verify('/verify?api=none', named)).headers['fhirstorm-assertion'],
      undefined,
    )
    const trusted = await (await fetch(`${world.app}/.well-known/jwks.json`)).text()
    assert.ok(!trusted.includes((keys as { keys: { kid: string }[] }).keys[0]?.kid ?? '-'))
    // As Envoy asks: the request itself, behind our path.
    const envoy = await verify(
      `/verify/notes/api/notes?session=${id}`,
      { cookie, 'sec-fetch-site': 'same-origin' },
      'DELETE',
    )
    assert.equal(envoy.status, 403)
    const csrf = { cookie, 'sec-fetch-site': 'same-origin', 'x-csrf': '1' }
    const allowed = await verify(`/verify/notes/api/notes?session=${id}`, csrf, 'DELETE')
    assert.equal(allowed.headers['fhirstorm-patient'], 'amy-shaw')
  })

  test('[VE2] nobody is taken for a caller: no ticket, another’s, another site, no method, two words', async () => {
    const browser = createBrowser()
    const { id } = await logIn(world, browser, 'amy-shaw')
    const second = await logIn(world, browser, 'ben-ortega')
    const stranger = createBrowser()
    await logIn(world, stranger, 'ben-ortega')
    const cookie = cookieOf(browser)
    const named = original(`/api?session=${id}`)
    const cases: [status: number, headers: Record<string, string | string[]>][] = [
      [401, named],
      [401, { ...named, cookie: cookieOf(stranger) }],
      [401, { ...original('/api'), cookie }],
      [401, { ...original(`/api?session=${'A'.repeat(22)}`), cookie }],
      [401, { ...named, cookie, 'fhirstorm-session': 'x' }],
      [403, { ...named, cookie, 'sec-fetch-site': 'cross-site' }],
      [403, { ...named, cookie, origin: 'https://evil.example' }],
      [403, { ...named, cookie, 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' }],
      [403, { ...original(`/api?session=${id}`, 'POST'), cookie }],
      [400, { 'x-original-uri': `/api?session=${id}`, cookie, 'sec-fetch-site': 'same-origin' }],
      [400, { ...named, cookie, 'x-original-method': 'get it' }],
      [400, { ...named, cookie, 'x-forwarded-method': 'POST' }],
      [400, { ...named, cookie, 'x-forwarded-uri': `/api?session=${second.id}` }],
    ]
    for (const [status, headers] of cases) {
      const told = await verify('/verify', headers)
      assert.equal(told.status, status, JSON.stringify({ ...headers, cookie: '…' }))
      for (const name of Object.keys(told.headers)) assert.doesNotMatch(name, /^fhirstorm-/)
    }
    const posted = { ...original(`/api?session=${id}`, 'POST'), cookie, 'x-csrf': '1' }
    assert.equal((await verify('/verify', posted)).status, 200)
    // A script with one ticket may leave it unnamed, as at /fhir.
    const script = { 'x-original-method': 'GET', 'x-original-uri': '/api' }
    const alone = await verify('/verify', { ...script, cookie: cookieOf(stranger) })
    assert.equal(alone.headers['fhirstorm-patient'], 'ben-ortega')
    await browser.fetch(`${world.app}/sessions/${id}`, {
      ...{ method: 'DELETE', headers: { 'x-csrf': '1' } },
    })
    assert.equal((await verify('/verify', { ...named, cookie })).status, 401)
  })

  test('[VE1] every question is counted once, with those of browsers', async () => {
    const browser = createBrowser()
    const { id } = await logIn(world, browser, 'amy-shaw')
    const headers = { ...original(`/api?session=${id}`), cookie: cookieOf(browser) }
    const count = async (status: number) => {
      const lines = (await world.product.smartMetrics.text()).split('\n')
      const wanted = ['http_route="/verify"', `http_response_status_code="${status}"`]
      return lines
        .filter(line => line.startsWith('http_server_request_duration_seconds_count{'))
        .filter(line => wanted.every(label => line.includes(label)))
        .reduce((sum, line) => sum + Number(line.split('} ')[1]), 0)
    }
    const [passed, refused] = [await count(200), await count(401)]
    for (let i = 0; i < 5; i++) await verify('/verify', headers)
    await verify('/verify', { ...headers, cookie: '' })
    assert.deepEqual([await count(200), await count(401)], [passed + 5, refused + 1])
  })

  test('[VE2] the socket is for its user and group, and browsers find nothing of it', async () => {
    assert.equal(statSync(socket).mode & 0o777, 0o660)
    for (const path of ['/verify', '/verify/notes/x']) {
      assert.equal((await fetch(world.app + path)).status, 404)
    }
    assert.equal((await verify('/sessions', {})).status, 404)
  })

  for (const [name, program, debian] of [
    ['nginx', '/usr/sbin/nginx', 'nginx-light'],
    ['Caddy', '/usr/bin/caddy', 'caddy'],
  ] as const) {
    test(`[VE1, VE2, VE4] examples/api behind ${name}`, {
      skip: !hasPrograms({ path: program, debian }),
    }, async t => {
      const [front, port] = await Promise.all([findPort(), findPort()])
      const api = adopt(
        spawn(process.execPath, ['examples/api/server.js'], {
          env: { ...process.env, FHIRSTORM: world.app, PORT: String(port) },
          stdio: ['ignore', 'pipe', 'inherit'],
        }),
      )
      await new Promise<void>(done => api.stdout.once('data', () => done()))
      const proxy = adopt(startProxy(name, program, { front, port }))
      t.after(async () => {
        await Promise.all([end(api, 'SIGTERM'), end(proxy, 'SIGTERM')])
      })
      const origin = `http://localhost:${front}`
      for (let tries = 0; tries < 400; tries++) {
        if (await fetch(`${origin}/healthz`).catch(() => undefined)) break
        await new Promise(done => setTimeout(done, 25))
      }
      const browser = createBrowser()
      const { id, document } = await logIn(world, browser, 'amy-shaw')
      for (const [cookie, value] of browser.cookies(world.app)) {
        browser.setCookie(origin, cookie, value)
      }
      const headers = { 'fhirstorm-session': id }
      const answer = await browser.fetch(`${origin}/api/notes`, { headers })
      assert.equal(answer.status, 200, answer.text)
      assert.deepEqual(answer.json(), { by: document.fhirUser, patient: 'amy-shaw', notes: [] })
      assert.ok(![...answer.headers.keys()].some(one => one.startsWith('fhirstorm-')))
      const forged = { 'fhirstorm-assertion': 'e30.e30.e30' }
      const both = await browser.fetch(`${origin}/api/notes`, {
        headers: { ...headers, ...forged },
      })
      assert.equal(both.json<{ patient: string }>().patient, 'amy-shaw')
      assert.equal(
        (await createBrowser().fetch(`${origin}/api/notes`, { headers: forged })).status,
        401,
      )
      const crossed = { ...headers, 'sec-fetch-site': 'cross-site' }
      assert.equal((await browser.fetch(`${origin}/api/notes`, { headers: crossed })).status, 403)
      // What a browser says of its own method counts for nothing.
      const posted = await browser.fetch(`${origin}/api/notes`, {
        ...{ method: 'POST', body: 'x' },
        headers: { ...headers, 'x-original-method': 'GET', 'x-forwarded-method': 'GET' },
      })
      assert.equal(posted.status, 403)
    })
  }

  function startProxy(name: string, program: string, { front, port }: Record<string, number>) {
    const own = join(folder, name)
    mkdirSync(join(own, 'tmp'), { recursive: true })
    const file = name === 'nginx' ? 'nginx.conf' : 'Caddyfile'
    const text = readFileSync(`examples/api/${file}`, 'utf8')
      .replaceAll('/run/fhirstorm/internal.sock', socket)
      .replaceAll('127.0.0.1:5000', `localhost:${new URL(world.app).port}`)
      .replaceAll('127.0.0.1:5020', `127.0.0.1:${port}`)
      .replace('listen 8080', `listen ${front}`)
      .replace(':8080 {', `http://localhost:${front} {`)
    if (name !== 'nginx') {
      const options = `{\n\tadmin off\n\tauto_https off\n}\n`
      writeFileSync(join(own, file), options + text)
      return spawn(program, ['run', '--config', join(own, file), '--adapter', 'caddyfile'], {
        env: { ...process.env, HOME: own, XDG_DATA_HOME: own, XDG_CONFIG_HOME: own },
        stdio: 'ignore',
      })
    }
    const folders = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
      .map(one => `${one}_temp_path ${own}/tmp/${one};`)
      .join(' ')
    writeFileSync(
      join(own, file),
      `user root; daemon off; pid ${own}/pid; error_log ${own}/error.log; worker_processes 1;
events {} http { access_log off; ${folders} ${text} }`,
    )
    return spawn(program, ['-p', own, '-c', join(own, file)], { stdio: 'ignore' })
  }
})

test('[VE1, VE2, AD6] an API that asks by itself, over a port with a token', async t => {
  const [port, apiPort] = await Promise.all([findPort(), findPort()])
  const token = 'wM3n0Qd7-hV1tJ1xSr9aYw6T'
  const world = await createWorld({
    configure(document) {
      document.internal = { port }
      document.apis = [{ id: 'notes', audience: AUDIENCE }]
    },
    adjust(options) {
      if (options.internal) options.internal.token = token
    },
  })
  const verify = `http://127.0.0.1:${port}/verify`
  const api = adopt(
    spawn(process.execPath, ['examples/api/server.js'], {
      env: {
        ...process.env,
        ...{ FHIRSTORM: world.app, PORT: String(apiPort), VERIFY: verify, TOKEN: token },
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    }),
  )
  t.after(async () => {
    await end(api, 'SIGTERM')
    await world.close().catch(() => undefined)
  })
  await new Promise<void>(done => api.stdout.once('data', () => done()))
  const browser = createBrowser()
  const { id, document } = await logIn(world, browser, 'amy-shaw')
  const origin = `http://localhost:${apiPort}`
  for (const [cookie, value] of browser.cookies(world.app)) browser.setCookie(origin, cookie, value)
  const url = `http://127.0.0.1:${apiPort}/notes?session=${id}`
  const cookie = [...browser.cookies(origin)].map(pair => pair.join('=')).join('; ')
  const answer = await fetch(url, { headers: { cookie, 'sec-fetch-site': 'same-origin' } })
  assert.deepEqual(await answer.json(), { by: document.fhirUser, patient: 'amy-shaw', notes: [] })
  assert.equal((await fetch(url)).status, 401)
  const asked = { 'x-original-method': 'GET', 'x-original-uri': url, cookie }
  assert.equal((await fetch(verify, { headers: asked })).status, 401)
  const wrong = { ...asked, 'fhirstorm-token': `${token}x` }
  assert.equal((await fetch(verify, { headers: wrong })).status, 401)
  assert.equal(
    (await fetch(verify, { headers: { ...asked, 'fhirstorm-token': token } })).status,
    200,
  )
  const line = world.log.find(text => text.includes('Fhirstorm-Token')) ?? ''
  assert.ok(line.includes('session_invalid') && !line.includes(token))
  // A refusal before the session is looked up says whose it is.
  const evil = { ...asked, 'fhirstorm-token': token, origin: 'https://evil.example' }
  assert.equal((await fetch(verify, { headers: evil })).status, 403)
  const told = JSON.parse(world.log.findLast(text => text.includes('cross_site')) ?? '{}')
  const session = world.product.smartSessions.recordId(id).slice(0, 12)
  assert.deepEqual([told.ehr, told.session], ['general', session])
  // One wrong guess was made above; after nine more not even the right one is heard.
  for (let i = 0; i < 9; i++) assert.equal((await fetch(verify, { headers: wrong })).status, 401)
  const right = await fetch(verify, { headers: { ...asked, 'fhirstorm-token': token } })
  assert.deepEqual([right.status, right.headers.has('retry-after')], [429, true])
  // An outage is no stranger.
  await world.close()
  assert.equal((await fetch(url, { headers: { cookie } })).status, 503)
})
