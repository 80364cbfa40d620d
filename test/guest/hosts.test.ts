// The product as a guest in apps of others: what the host has, keeps its meaning, and what the guest
// does cannot be undone by what the host has.

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { connect } from 'node:http2'
import { test } from 'node:test'
import cookie from '@fastify/cookie'
import helmet from '@fastify/helmet'
import rateLimit from '@fastify/rate-limit'
import secureSession from '@fastify/secure-session'
import fastify, { type FastifyInstance } from 'fastify'
import errors from '../../plugins/errors.ts'
import guard from '../../plugins/guard.ts'
import proxy from '../../plugins/proxy.ts'
import { BrokerError } from '../../program/index.ts'
import { logIn } from '../flow/login.ts'
import { answer, startFakeEhr } from '../network/fake-ehr.ts'
import { createBrowser } from '../world/browser.ts'
import { startHost } from './host.ts'

const key = randomBytes(32)
const neighbours: Record<string, (app: FastifyInstance) => unknown> = {
  '@fastify/cookie': app => app.register(cookie, { secret: 'of the host' }),
  '@fastify/secure-session': app => app.register(secureSession, { key, cookieName: 'own' }),
  '@fastify/helmet': app => app.register(helmet),
  '@fastify/rate-limit': app => app.register(rateLimit, { max: 1_000 }),
  'all of them': async app => {
    await app.register(cookie)
    await app.register(secureSession, { key, cookieName: 'own', sessionName: 'ticket' })
    await app.register(helmet)
    await app.register(rateLimit, { max: 1_000 })
  },
}

for (const [name, before] of Object.entries(neighbours)) {
  test(`[GU1] a host with ${name} has a guest who logs in, and keeps its own`, async t => {
    const host = await startHost(t, {
      before,
      after: app =>
        app.get('/own', async (request, reply) => {
          if (app.hasReplyDecorator('setCookie')) reply.setCookie('hosts', 'own', { path: '/' })
          return { cookies: request.cookies ?? null }
        }),
    })
    const browser = createBrowser()
    const { fhirBaseUrl } = await logIn(
      { app: host.guest, sandbox: host.sandbox },
      browser,
      'amy-shaw',
    )
    assert.equal((await browser.fetch(`${fhirBaseUrl}/Patient/amy-shaw`)).status, 200)
    const own = await browser.fetch(`${host.origin}/own`)
    assert.equal(own.status, 200)
    if (/cookie|session|all/.test(name)) {
      assert.equal(browser.cookies(host.origin).get('hosts'), 'own')
    }
  })
}

test('[GU2] a status that a hook of the host has chosen stays, in whatever shape it is told', async t => {
  const host = await startHost(t, {
    before: app =>
      app.addHook('onRequest', async (request, reply) => {
        const status = Number(request.headers['x-refuse'])
        if (!status) return
        reply.header('retry-after', '60')
        throw Object.assign(new Error('a secret of the host'), { statusCode: status })
      }),
  })
  for (const status of [401, 402, 403, 409, 418, 429, 451, 500, 502, 503, 504]) {
    for (const path of ['/sessions', '/fhir/Patient', '/login', '/nowhere']) {
      const answer = await fetch(host.guest + path, { headers: { 'x-refuse': String(status) } })
      assert.equal(answer.status, status, path)
      assert.equal(answer.headers.get('retry-after'), '60')
      const text = await answer.text()
      assert.match(text, /host_refused/)
      assert.doesNotMatch(text, /secret/)
    }
  }
  const limited = await startHost(t, {
    before: app => app.register(rateLimit, { max: 1, timeWindow: 60_000 }),
  })
  await fetch(`${limited.guest}/fhir/Patient`)
  const second = await fetch(`${limited.guest}/fhir/Patient`)
  assert.equal(second.status, 429)
  assert.ok(Number(second.headers.get('retry-after')) > 0)
})

test('[GU2] an error of ours has a status by the name that hosts look for', () => {
  const error = new BrokerError('unknown_issuer')
  assert.deepEqual([error.statusCode, error.status], [400, 400])
})

test('[GU3] a guest at the root leaves the host its routes and its 404', async t => {
  const host = await startHost(t, {
    path: '',
    before(app) {
      app.get('/', async () => 'front page of the host')
      app.get('/healthz', async () => 'health of the host')
      app.get('/readyz', async () => 'also')
      app.setNotFoundHandler((_request, reply) => reply.code(404).send('lost, says the host'))
    },
  })
  const text = async (path: string) => await (await fetch(host.origin + path)).text()
  assert.equal(await text('/'), 'front page of the host')
  assert.equal(await text('/healthz'), 'health of the host')
  assert.equal(await text('/nowhere'), 'lost, says the host')
  await logIn({ app: host.guest, sandbox: host.sandbox }, createBrowser(), 'amy-shaw')
})

test('[GU4] HEAD of a callback or a launch changes nothing, whatever the host says of HEAD routes', async t => {
  const host = await startHost(t)
  const browser = createBrowser()
  const begun = await browser.navigate(`${host.guest}/login?ehr=general`, () => true)
  const authorize = `${begun.headers.get('location')}&patient=amy-shaw&auto=1`
  const back = await browser.navigate(authorize, url => url.startsWith(host.guest))
  const callback = back.headers.get('location') ?? ''
  assert.match(callback, /\/redirect.*code=/)
  for (const path of ['/login?ehr=general', '/launch?iss=x', callback.slice(host.guest.length)]) {
    const answer = await browser.fetch(host.guest + path, { method: 'HEAD' })
    assert.ok([404, 405].includes(answer.status), `${path.slice(0, 20)} ${answer.status}`)
  }
  const landing = await browser.navigate(callback, () => true)
  assert.equal(landing.status, 303)
  assert.match(landing.headers.get('location') ?? '', /session=/)
})

test('[GU5] a host that speaks HTTP/2 is served by its :authority', async t => {
  const host = await startHost(t, { server: { http2: true } as object })
  const client = connect(host.origin)
  t.after(() => client.close())
  const ask = async (path: string, headers: object = {}) => {
    const stream = client.request({ ':path': path, ...headers })
    const { promise, resolve, reject } = Promise.withResolvers<number>()
    stream.on('response', head => resolve(Number(head[':status']))).on('error', reject)
    stream.resume()
    return await promise
  }
  assert.equal(await ask('/bff/sessions'), 200)
  assert.equal(await ask('/bff/sessions', { ':authority': 'evil.example' }), 421)
  assert.equal(await ask('/bff/fhir/Patient'), 401)
})

test('[GU5] FHIR passes over HTTP/2, bodies both ways', async t => {
  const ehr = await startFakeEhr()
  ehr.handler = request => answer(request, { body: `{"url":"${ehr.origin}/fhir/r4/Patient/1"}` })
  const app = fastify({ http2: true })
  await app.register(errors)
  await app.register(guard, { publicUrl: 'https://app.example.org' })
  await app.register(proxy, {
    registrations: [{ id: 'general', iss: `${ehr.origin}/fhir/r4` }],
    publicUrl: 'https://app.example.org',
    token: async () => ({ ehr: 'general', accessToken: 'token' }),
  })
  const origin = await app.listen({ port: 0 })
  const client = connect(origin)
  t.after(async () => {
    client.close()
    await ehr.close()
    await app.close()
  })
  const ask = async (method: string, body?: string) => {
    const stream = client.request({
      ...{ ':method': method, ':path': '/fhir/Patient', ':authority': 'app.example.org' },
      ...(body && { 'content-type': 'application/fhir+json', 'x-csrf': '1' }),
    })
    stream.end(body)
    const status = new Promise(resolve => stream.on('response', head => resolve(head[':status'])))
    const text = Buffer.concat(await stream.toArray()).toString()
    return [await status, text]
  }
  const expected = '{"url":"https://app.example.org/fhir/Patient/1"}'
  assert.deepEqual(await ask('GET'), [200, expected])
  assert.deepEqual(await ask('POST', '{"resourceType":"Patient"}'), [200, expected])
})

test('[GU6] the log of the host holds no code, no state, no address of a record and no cause', async t => {
  const host = await startHost(t)
  const browser = createBrowser()
  const { fhirBaseUrl } = await logIn(
    { app: host.guest, sandbox: host.sandbox },
    browser,
    'amy-shaw',
  )
  await browser.fetch(`${fhirBaseUrl}/Patient/amy-shaw?name=hunter2`)
  await browser.fetch(`${host.guest}/redirect?code=hunter2&state=hunter2`)
  await browser.fetch(`${host.guest}/sessions/hunter2hunter2hunter2x/fhir/Patient/hunter2`)
  await host.sandbox.close()
  assert.equal((await browser.fetch(`${fhirBaseUrl}/Patient/amy-shaw`)).status, 502)
  const log = host.log.join('')
  assert.match(log, /request/)
  assert.doesNotMatch(log, /hunter2|amy-shaw|ECONNREFUSED 127|[?&]code=|[?&]state=/)
})

test('[GU6] @fastify/otel of the host is told to leave the routes of its guest alone', async t => {
  const asked: [path: string, otel: unknown][] = []
  const host = await startHost(t, {
    before: app => {
      app.get('/own', async () => 'own')
      app.addHook('onRequest', async ({ url, routeOptions }) => {
        asked.push([url.split('?')[0] ?? '', (routeOptions.config as { otel?: unknown }).otel])
      })
    },
  })
  const ours = ['/login', '/redirect', '/sessions', '/sessions/abc/fhir/Patient/1', '/fhir/Patient']
  for (const path of ours) {
    await host.app.inject({ url: `${host.guest}${path}?code=hunter2`, headers: { accept: '*/*' } })
  }
  await host.app.inject({ url: `${host.origin}/own` })
  assert.deepEqual(asked, [...ours.map(path => [`/bff${path}`, false]), ['/own', undefined]])
})
