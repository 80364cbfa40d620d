// The admin routes alone: the token, and guesses of it.

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import admin, { type AdminOptions } from '../../plugins/admin.ts'
import { createGuesses } from '../../src/guesses.ts'
import { buildBareApp } from './alone.ts'

const TOKEN = 'the operators token, long enough'

async function build(t: TestContext, options: Partial<AdminOptions> = {}) {
  const app = buildBareApp()
  t.after(() => app.close())
  await app.register(admin, {
    ehrs: [],
    store: { find: async () => [], endAll: async () => ({ ended: 0 }) },
    ehrStates: () => [],
    metricsText: async () => 'metrics',
    token: TOKEN,
    ...options,
  })
  return async (authorization?: string, remoteAddress = '192.0.2.1') => {
    const headers = authorization === undefined ? {} : { authorization }
    return (await app.inject({ url: '/metrics', headers, remoteAddress })).statusCode
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
