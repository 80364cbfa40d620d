// Small plugins, each alone in a bare Fastify: vault, health, jwks, limits, metrics, contract, frontend.

import assert from 'node:assert/strict'
import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { pino } from 'pino'
import contract from '../../plugins/contract.ts'
import errors from '../../plugins/errors.ts'
import frontend from '../../plugins/frontend.ts'
import health from '../../plugins/health.ts'
import jwks from '../../plugins/jwks.ts'
import limits from '../../plugins/limits.ts'
import metrics from '../../plugins/metrics.ts'
import vault from '../../plugins/vault.ts'
import { buildLoggerOptions } from '../../program/logging.ts'
import { createServer } from '../../program/server.ts'
import { BrokerError } from '../../src/errors.ts'
import { printMeasured, sumMeasured } from '../../src/measured.ts'
import { createProcessCounts } from '../../src/process-counts.ts'
import { createMemoryVault } from '../../src/vault/memory.ts'
import { removeFolder } from '../world/folder.ts'
import { buildBareApp } from './alone.ts'

test('the vault plugin lends the store, sweeps it, and closes it with the app', async () => {
  const store = createMemoryVault({ now: Date.now })
  const calls: string[] = []
  const watched = {
    ...store,
    async sweep() {
      calls.push('sweep')
      throw new BrokerError('vault_unavailable')
    },
    async close() {
      calls.push('close')
    },
  }
  const app = buildBareApp()
  await app.register(vault, { vault: watched, sweepIntervalMs: 5 })
  await app.ready()
  assert.equal(app.smartVault, watched)
  for (let tries = 0; calls.length < 2 && tries < 100; tries++) {
    await new Promise(done => setTimeout(done, 5))
  }
  await app.close()
  assert.ok(calls.filter(call => call === 'sweep').length >= 2)
  assert.equal(calls.at(-1), 'close')
})

test('[AD2] health says ok or 503 with Retry-After of the vault, and nothing else', async t => {
  let up = true
  const app = buildBareApp({
    smartVault: {
      async ping() {
        if (!up) throw new BrokerError('vault_unavailable')
      },
    },
  })
  t.after(() => app.close())
  await app.register(health)
  assert.equal((await app.inject('/readyz')).body, '{"status":"ok"}')
  up = false
  assert.equal((await app.inject('/readyz')).statusCode, 503)
  assert.equal((await app.inject('/healthz')).body, '{"status":"ok"}')
})

test('[AD8, DS8] whoever drains is not ready, and alive all the same', async t => {
  let isDraining = false
  const app = buildBareApp({ smartVault: { async ping() {} } })
  t.after(() => app.close())
  await app.register(health, { isDraining: () => isDraining })
  assert.equal((await app.inject('/readyz')).statusCode, 200)
  isDraining = true
  const { statusCode, body } = await app.inject('/readyz')
  assert.deepEqual([statusCode, body], [503, '{"code":"draining"}'])
  assert.equal((await app.inject('/healthz')).statusCode, 200)
})

test('[AS-06, AS-07, Q36] the key set is there for anybody, without a cookie, and says how long it holds', async t => {
  const app = buildBareApp()
  t.after(() => app.close())
  await app.register(jwks, { keySet: { keys: [{ kty: 'EC', kid: 'one' }] }, maxAgeSeconds: 60 })
  const answer = await app.inject('/.well-known/jwks.json')
  assert.match(String(answer.headers['content-type']), /^application\/json/)
  assert.equal(answer.statusCode, 200)
  assert.deepEqual(answer.json(), { keys: [{ kty: 'EC', kid: 'one' }] })
  assert.equal(answer.headers['cache-control'], 'public, max-age=60')
  assert.match(String(answer.headers['content-type']), /^application\/json/)
  assert.equal(answer.headers['set-cookie'], undefined)
})

test('[DS2, DS6] only routes that ask are limited, by address; an IPv6 network is one address', async t => {
  const app = buildBareApp()
  t.after(() => app.close())
  await app.register(limits)
  app.get('/free', async () => 'ok')
  app.get('/login', { config: { rateLimit: { max: 2, timeWindow: 60_000 } } }, async () => 'ok')
  const from = async (remoteAddress: string, url = '/login') =>
    (await app.inject({ url, remoteAddress })).statusCode
  assert.deepEqual(
    [await from('10.0.0.1'), await from('10.0.0.1'), await from('10.0.0.1')],
    [200, 200, 429],
  )
  assert.equal(await from('10.0.0.2'), 200)
  assert.deepEqual(
    [await from('2001:db8::1'), await from('2001:db8::ffff:1'), await from('2001:db8:0:0:9::')],
    [200, 200, 429],
  )
  assert.equal(await from('2001:db8:0:1::1'), 200)
  assert.equal(await from('10.0.0.1', '/free'), 200)
  const refused = await app.inject({ url: '/login', remoteAddress: '10.0.0.1' })
  assert.equal(refused.json().code, 'too_many_requests')
})

test('[G5] metrics know routes, statuses and codes, never paths', async t => {
  const app = buildBareApp()
  t.after(() => app.close())
  await app.register(metrics)
  app.smartMetrics.observe({
    method: 'GET',
    route: '/sessions/:id/fhir/*',
    status: 404,
    milliseconds: 3,
    ehr: 'general',
    code: 'path_invalid',
  })
  app.smartMetrics.count('started', 'general')
  const text = await app.smartMetrics.text()
  assert.match(
    text,
    /http_server_request_duration_seconds_count\{[^}]*http_route="\/sessions\/:id\/fhir\/\*"[^}]*\} 1/,
  )
  assert.match(text, /http_response_status_code="404"/)
  assert.match(text, /fhirstorm_refusals_total\{code="path_invalid",ehr="general"\} 1/)
  assert.match(text, /fhirstorm_session_events_total\{event="started",ehr="general"\} 1/)
})

test('[OB4] a counter whose first step is an alarm is there before it', async t => {
  const app = buildBareApp()
  t.after(() => app.close())
  await app.register(metrics, { ehrs: ['general'] })
  app.smartMetrics.countAudit('recorded')
  const lines = (await app.smartMetrics.text()).split('\n')
  for (const code of ['internal', 'client_auth_failed']) {
    for (const ehr of ['', 'general']) {
      assert.ok(lines.includes(`fhirstorm_refusals_total{code="${code}",ehr="${ehr}"} 0`))
    }
  }
  assert.ok(lines.includes('fhirstorm_faults_total{kind="caught"} 0'))
  assert.ok(lines.includes('fhirstorm_audit_events_total{outcome="lost"} 0'))
})

test('[AU4] what audit events come to on their way to a server is counted once, whoever asks', async t => {
  const app = createServer({ logger: pino({ level: 'silent' }), trustedProxies: [] })
  t.after(() => app.close())
  let counts = { delivered: 5, refused: 1, failed: 2 }
  const delivery = {
    queueBytes: () => 1_234,
    takeCounts() {
      const taken = counts
      counts = { delivered: 0, refused: 0, failed: 0 }
      return taken
    },
  }
  await app.register(metrics, { delivery })
  for (const delivered of [5, 7]) {
    const text = await app.smartMetrics.text()
    assert.match(
      text,
      new RegExp(`^fhirstorm_audit_deliveries_total\\{outcome="delivered"\\} ${delivered}$`, 'm'),
    )
    assert.match(text, /^fhirstorm_audit_deliveries_total\{outcome="refused"\} 1$/m)
    assert.match(text, /^fhirstorm_audit_queue_bytes 1234$/m)
    counts.delivered = 2
  }
})

test('[PS2, PS4] what goes wrong outside of requests is counted and logged by its place', async t => {
  const lines: string[] = []
  const logger = pino(buildLoggerOptions('info'), { write: line => void lines.push(line) })
  const app = createServer({ logger, trustedProxies: [] })
  t.after(() => app.close())
  const outside = { exception: 1, rejection: 0, droppedLogLines: 7 }
  await app.register(metrics)
  const counts = createProcessCounts({ countOutside: () => ({ ...outside }) })
  const count = async (name: string) => {
    const text = await printMeasured(
      sumMeasured([await app.smartMetrics.measure(), await counts.measure()]),
    )
    return Number(
      text
        .split('\n')
        .find(line => line.startsWith(`${name} `))
        ?.split(' ')[1],
    )
  }
  assert.equal(await count('fhirstorm_log_lines_dropped_total'), 7)
  outside.droppedLogLines = 9
  outside.rejection = 2
  assert.equal(await count('fhirstorm_log_lines_dropped_total'), 9)
  assert.equal(await count('fhirstorm_faults_total{kind="exception"}'), 1)
  assert.equal(await count('fhirstorm_faults_total{kind="rejection"}'), 2)
  app.smartMetrics.noteFault(new TypeError('amy-shaw-canary'))
  assert.equal(await count('fhirstorm_faults_total{kind="caught"}'), 1)
  const { err, at } = JSON.parse(lines.at(-1) ?? '')
  assert.deepEqual(
    [err, at[0].split(':')[0]],
    [{ name: 'TypeError' }, 'test/plugins/small.test.ts'],
  )
  assert.ok(!lines.join('').includes('canary'))
})

test('[PS2, G9] a mistake in a request is a 500 without a word, and is logged by its place', async t => {
  const lines: string[] = []
  const logger = pino(buildLoggerOptions('info'), { write: line => void lines.push(line) })
  const app = createServer({ logger, trustedProxies: [] })
  t.after(() => app.close())
  await app.register(metrics)
  await app.register(errors, { loginPath: '/', ehrNames: new Map(), frameAncestors: [] })
  app.get('/', () => {
    throw new TypeError('amy-shaw-canary')
  })
  const { statusCode, body } = await app.inject('/')
  assert.equal(statusCode, 500)
  const { err, at } = JSON.parse(lines.find(line => line.includes('"refused"')) ?? '')
  assert.equal(err.cause.name, 'TypeError')
  assert.match(at[0], /^test\/plugins\/small\.test\.ts:\d+/)
  assert.ok(![body, ...lines].join().includes('canary'))
})

test('the contract is shown only where it is published, escaped and without scripts', async t => {
  const document = {
    info: { title: 'T', version: '1', description: '<script>alert(1)</script>' },
    tags: [{ name: 'login' }],
    paths: {
      '/login': { get: { tags: ['login'], summary: 'Logs <b>in</b>', responses: { 200: {} } } },
    },
  }
  const app = buildBareApp()
  const closed = buildBareApp()
  t.after(() => Promise.all([app.close(), closed.close()]))
  await app.register(contract, { published: { text: 'openapi: 3.1.0', document } })
  await closed.register(contract, {})
  assert.equal((await closed.inject('/docs')).statusCode, 404)
  assert.equal((await app.inject('/openapi.yaml')).body, 'openapi: 3.1.0')
  const page = await app.inject('/docs')
  assert.match(page.body, /Logs &#60;b&#62;in/)
  assert.doesNotMatch(page.body, /<script/)
  assert.match(String(page.headers['content-security-policy']), /default-src 'none'/)
})

test('[X11] without a frontend the root is a small page; with one its files have a strict policy', async t => {
  const folder = await mkdtemp(join(tmpdir(), 'fhirstorm-frontend-'))
  await writeFile(join(folder, 'index.html'), '<!doctype html><title>App</title>')
  const shared = { loginPath: '/bff/login', frameAncestors: [], secure: true }
  const bare = buildBareApp()
  const full = buildBareApp()
  const framed = buildBareApp()
  t.after(async () => {
    await Promise.all([bare, full, framed].map(app => app.close()))
    removeFolder(folder)
  })
  await bare.register(frontend, shared)
  await full.register(frontend, { ...shared, root: folder })
  const ehr = 'https://ehr.example.org'
  await framed.register(frontend, { ...shared, root: folder, frameAncestors: [ehr] })
  assert.match((await bare.inject('/')).body, /href="\/bff\/login"/)
  const { headers, body } = await full.inject('/')
  assert.match(body, /<title>App/)
  assert.match(
    String(headers['content-security-policy']),
    /default-src 'self'.*frame-ancestors 'none'/,
  )
  assert.equal(headers['x-content-type-options'], 'nosniff')
  assert.ok(headers['strict-transport-security'])
  const framedHeaders = (await framed.inject('/')).headers
  assert.match(String(framedHeaders['content-security-policy']), /frame-ancestors https:\/\/ehr/)
  assert.equal(framedHeaders['x-frame-options'], undefined)
  assert.equal((await full.inject('/..%2f..%2fetc/passwd')).statusCode, 404)
})
