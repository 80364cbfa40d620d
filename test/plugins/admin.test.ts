// The admin routes alone: the token, and guesses of it; which sessions are chosen; what an operator changes.

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import admin, { type AdminOptions } from '../../plugins/admin.ts'
import { createDrain } from '../../src/drain.ts'
import { BrokerError } from '../../src/errors.ts'
import { createGuesses } from '../../src/guesses.ts'
import { parseChoice } from '../../src/session/roster.ts'
import { buildStore, buildTokens } from '../session/sessions.ts'
import { buildBareApp } from './alone.ts'

const TOKEN = 'the operators token, long enough'

async function build(t: TestContext, options: Omit<Partial<AdminOptions>, 'vault'> = {}) {
  const app = buildBareApp()
  t.after(() => app.close())
  await app.register(admin, {
    ehrs: [],
    store: { find: async () => [], findToEnd: async () => [], endAll: async () => ({ ended: 0 }) },
    vault: { entries: async () => [] },
    ehrStates: () => [],
    metricsText: async () => 'metrics',
    token: TOKEN,
    ...options,
  })
  return async (authorization?: string, remoteAddress = '192.0.2.1') => {
    const headers = authorization === undefined ? {} : { authorization }
    const answer = await app.inject({ url: '/metrics', headers, remoteAddress })
    const challenge = answer.statusCode === 401 ? 'Bearer realm="fhirstorm"' : undefined
    assert.equal(answer.headers['www-authenticate'], challenge)
    return answer.statusCode
  }
}

test('[AD6] the token opens, and nothing like it', async t => {
  const ask = await build(t, { guesses: { max: 100, windowMs: 60_000 } })
  assert.equal(await ask(`Bearer ${TOKEN}`), 200)
  const near = [
    ...[undefined, '', 'Bearer', 'Bearer ', `bearer ${TOKEN}`, TOKEN, `Basic ${TOKEN}`],
    ...[`Bearer ${TOKEN}x`, `Bearer ${TOKEN.slice(1)}`, `Bearer  ${TOKEN}`, `Bearer ${TOKEN},x`],
  ]
  for (const authorization of near) assert.equal(await ask(authorization), 401)
})

test('[AD6] an empty token is refused before anything is served', async t => {
  await assert.rejects(build(t, { token: '' }), /empty/)
})

test('[AD6] whoever guesses too often is not heard, not even with the right token', async t => {
  const ask = await build(t, { guesses: { max: 10, windowMs: 60_000 } })
  for (let i = 0; i < 10; i++) assert.equal(await ask(`Bearer ${i}`), 401)
  assert.equal(await ask('Bearer 11'), 429)
  assert.equal(await ask(`Bearer ${TOKEN}`), 429)
  assert.equal(await ask(`Bearer ${TOKEN}`, '192.0.2.2'), 200)
  // An IPv6 network is one caller.
  for (let i = 0; i < 10; i++) await ask(`Bearer ${i}`, `2001:db8::${i}`)
  assert.equal(await ask(`Bearer ${TOKEN}`, '2001:db8::ffff'), 429)
  assert.equal(await ask(`Bearer ${TOKEN}`, '2001:db8:0:1::1'), 200)
})

test('a caller that shows no token has guessed nothing', async t => {
  const ask = await build(t)
  for (let i = 0; i < 30; i++) assert.equal(await ask(), 401)
  assert.equal(await ask(`Bearer ${TOKEN}`), 200)
})

test('[AD6] guesses are forgotten after their time, and each one begins it anew', () => {
  let now = 0
  const guesses = createGuesses({ max: 2, windowMs: 100 }, () => now)
  guesses.note('a')
  now = 99
  guesses.note('a')
  assert.equal(guesses.restOf('a'), 100)
  assert.equal(guesses.restOf('b'), 0)
  now = 198
  assert.equal(guesses.restOf('a'), 1)
  now = 199
  assert.equal(guesses.restOf('a'), 0)
  guesses.note('a')
  assert.equal(guesses.restOf('a'), 0)
})

/** The routes over a store with sessions in it, without a token. */
async function buildWithSessions(t: TestContext, options: Partial<AdminOptions> = {}) {
  const { store, vault, clock, sealer } = buildStore()
  const told: { reason?: string; ehr?: string; sessions?: number }[] = []
  const app = buildBareApp({ smartMetrics: { tell: (act: object) => told.push(act) } })
  t.after(() => app.close())
  await app.register(admin, {
    ehrs: ['general', 'other'].map(id => ({ id, name: id })),
    ...{ store, vault },
    ehrStates: () => [],
    metricsText: async () => '',
    ...options,
  })
  const begin = async (ehr: string, sub: string | undefined, patient?: string) => {
    const context = { patient, fhirContext: [], needPatientBanner: true, extras: {} }
    const identity = sub === undefined ? undefined : { iss: 'https://i', sub }
    const tokens = buildTokens(clock.now(), { identity, context })
    const { recordId } = await store.begin('https://ehr.example.org', tokens, 'browser', ehr)
    return recordId
  }
  const call = async (
    method: 'GET' | 'DELETE' | 'POST' | 'PUT',
    url: string,
    payload?: object,
    sent: Record<string, string> = {},
  ) => {
    const headers = { host: 'localhost', ...sent }
    const answer = await app.inject({ method, url, payload, headers })
    return { status: answer.statusCode, json: answer.json() }
  }
  return { begin, call, told, sealer, store }
}

test('[AD7] sessions are listed with the pseudonym of their user, as the log has it', async t => {
  const { begin, call, sealer } = await buildWithSessions(t)
  const nurse = await begin('general', 'nurse', 'amy')
  const nobody = await begin('general', undefined, 'amy')
  await begin('other', undefined)
  const { json } = await call('GET', '/sessions')
  assert.equal(json.length, 3)
  const of = (record: string) => json.find((one: { record: string }) => one.record === record)
  assert.equal(
    of(nurse).user,
    sealer.indexes('sub', 'general', 'https://i', 'nurse')[0]?.slice(0, 12),
  )
  assert.equal(of(nobody).user, undefined)
  assert.deepEqual((await call('GET', '/sessions?all=true')).json, json)
  assert.ok(!JSON.stringify(json).includes('amy'))
})

test('[AD7, K19] what is chosen ends, and nothing else: a record, a user, a patient, an EHR', async t => {
  const { begin, call, told } = await buildWithSessions(t)
  const records = [
    await begin('general', 'nurse', 'amy'),
    await begin('general', 'nurse', 'ben'),
    await begin('general', 'doctor', 'amy'),
    await begin('general', undefined, 'cem'),
    await begin('other', 'nurse', 'amy'),
  ] as const
  const list = async (query = '') =>
    ((await call('GET', `/sessions${query}`)).json as { record: string; user?: string }[]).map(
      ({ record }) => record,
    )
  const [{ user }] = (await call('GET', `/sessions?record=${records[1]}`)).json
  assert.deepEqual(await list(`?record=${records[1].slice(0, 12)}`), [records[1]])
  assert.deepEqual((await list(`?user=${user}`)).sort(), [records[0], records[1]].sort())
  assert.deepEqual(await list(`?ehr=other&user=${user}`), [])
  assert.deepEqual((await list('?ehr=general&patient=amy')).sort(), [records[0], records[2]].sort())
  assert.deepEqual(await list('?ehr=other&patient=amy'), [records[4]])
  const end = async (query: string) => (await call('DELETE', `/sessions?${query}`)).json
  assert.deepEqual(await end(`record=${records[1].slice(0, 12)}`), { ended: 1 })
  assert.deepEqual(await end(`record=${records[1]}`), { ended: 0 })
  assert.deepEqual(await end('ehr=general&patient=amy'), { ended: 2 })
  assert.deepEqual((await list()).sort(), [records[3], records[4]].sort())
  const [{ user: other }] = (await call('GET', '/sessions?ehr=other')).json
  assert.deepEqual(await end(`user=${other}`), { ended: 1 })
  assert.deepEqual(await list(), [records[3]])
  assert.deepEqual(await end('all=true'), { ended: 1 })
  assert.deepEqual(
    told.map(({ ehr, reason, sessions }) => `${ehr} ${reason} ${sessions}`),
    [
      ...['general sessions_ended 1', 'undefined sessions_ended 0', 'general sessions_ended 2'],
      ...['other sessions_ended 1', 'general sessions_ended 1'],
    ],
  )
})

test('[AD7] a choice that means nothing, or that a slip of the pen made wider, ends nothing', async t => {
  const { begin, call } = await buildWithSessions(t)
  const record = await begin('general', 'nurse', 'amy')
  for (const query of [
    ...['', '?', '?all=1', '?all=', '?ehr=', '?ehr=general&usr=x', '?record=', '?record=short'],
    ...[
      `?record=${record}&record=${record}`,
      `?record=${record}&all=true`,
      '?user=x',
      '?patient=amy',
    ],
    ...[
      '?ehr=general&ehr=other',
      '?ehr=general&sub=nurse',
      '?iss=https://i&sub=nurse',
      '?everything',
    ],
    ...[
      `?ehr=general&patient=amy&record=${record}`,
      '?__proto__=x',
      '?ehr=none',
      '?ehr%2Crecord=x',
    ],
  ]) {
    const { status, json } = await call('DELETE', `/sessions${query}`)
    assert.deepEqual([status, json.ended], [400, undefined], query)
  }
  assert.equal((await call('GET', '/sessions')).json.length, 1)
})

test('[AD7] what is wrong with a choice is in the log: in fixed words, and nothing of it', () => {
  const cases = [
    [{ all: '1' }, /^malformed: all$/],
    [{ record: 'short' }, /^malformed: record$/],
    [{ sesion: 'secret' }, /^sessions are chosen by one of: all, ehr, record, .*ehr&iss&sub$/],
  ] as const
  for (const [query, words] of cases) {
    assert.throws(
      () => parseChoice(query),
      (error: BrokerError) => words.test(error.detail ?? ''),
    )
  }
})

test('[AD1] no page is heard, nor who comes by another name where there is no token', async t => {
  const { begin, call } = await buildWithSessions(t)
  await begin('general', 'nurse', 'amy')
  for (const [sent, status] of [
    [{ origin: 'http://localhost' }, 403],
    [{ 'sec-fetch-site': 'same-origin' }, 403],
    [{ host: 'evil.example' }, 421],
  ] as const) {
    for (const method of ['GET', 'DELETE'] as const) {
      assert.equal((await call(method, '/sessions?all=true', undefined, sent)).status, status)
    }
  }
  assert.equal((await call('GET', '/sessions')).json.length, 1)
})

test('[O10, AD7] an ending that fails is told as such, with those that did end written down', async t => {
  const { begin, call, told, store } = await buildWithSessions(t)
  await begin('general', 'nurse', 'amy')
  await begin('other', 'nurse', 'amy')
  const { endAll } = store
  store.endAll = async (ids, reason, ehr) => {
    const failure = new BrokerError('vault_unavailable')
    return ehr === 'general' ? { ended: 0, failure } : await endAll(ids, reason, ehr)
  }
  const { status, json } = await call('DELETE', '/sessions?all=true')
  assert.deepEqual([status, json], [503, { code: 'vault_unavailable' }])
  assert.deepEqual(
    told.map(({ ehr, sessions }) => `${ehr} ${sessions}`),
    ['general 0', 'other 1'],
  )
  store.endAll = endAll
  assert.deepEqual((await call('DELETE', '/sessions?all=true')).json, { ended: 1 })
})

test('[AD8] the log level is told, changed and written down; another word changes nothing', async t => {
  let level = 'info'
  const verbosity = {
    read: () => level,
    set(next: string) {
      level = next
    },
  }
  const { call, told } = await buildWithSessions(t, { verbosity })
  assert.deepEqual((await call('GET', '/log-level')).json, { level: 'info' })
  assert.deepEqual((await call('PUT', '/log-level', { level: 'debug' })).json, { level: 'debug' })
  assert.equal(level, 'debug')
  for (const payload of [
    {},
    { level: 'silent' },
    { level: ['warn'] },
    { level: 1 },
    [],
    undefined,
  ]) {
    assert.equal((await call('PUT', '/log-level', payload)).status, 400)
  }
  assert.equal(level, 'debug')
  assert.deepEqual(
    told.map(({ reason }) => reason),
    ['log_level_debug'],
  )
})

test('[AD8] a drain begins, is told of and ends; a word that means nothing begins none', async t => {
  const drain = createDrain(() => 0)
  const { call, told } = await buildWithSessions(t, { drain })
  const open = { draining: false, ready: true }
  assert.deepEqual((await call('GET', '/drain')).json, open)
  for (const query of ['?ready=yes', '?readyz=true', '?ready=true&ready=true']) {
    assert.equal((await call('POST', `/drain${query}`)).status, 400, query)
  }
  assert.deepEqual((await call('GET', '/drain')).json, open)
  const since = '1970-01-01T00:00:00.000Z'
  assert.deepEqual((await call('POST', '/drain')).json, { draining: true, ready: false, since })
  const alone = { draining: true, ready: true, since }
  assert.deepEqual((await call('POST', '/drain?ready=true')).json, alone)
  assert.deepEqual((await call('GET', '/drain')).json, alone)
  assert.deepEqual((await call('DELETE', '/drain')).json, open)
  assert.deepEqual(
    told.map(({ reason }) => reason),
    ['drain_begun', 'drain_begun', 'drain_ended'],
  )
})

test('[AD8] where the process can do none of this, there are no such routes', async t => {
  const { call } = await buildWithSessions(t)
  for (const path of ['/log-level', '/drain']) assert.equal((await call('GET', path)).status, 404)
  assert.equal((await call('POST', '/reload')).status, 404)
})

test('[AD8] a reload is written down with what became of it', async t => {
  let isSound = true
  const { call, told } = await buildWithSessions(t, {
    reload: async () => (isSound ? { ok: true } : { ok: false, faults: [] }),
  })
  assert.equal((await call('POST', '/reload')).status, 200)
  isSound = false
  assert.equal((await call('POST', '/reload')).status, 422)
  assert.deepEqual(
    told.map(({ reason }) => reason),
    ['reloaded', 'reload_refused'],
  )
})
