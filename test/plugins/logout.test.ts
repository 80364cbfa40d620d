// Logging out, alone in a bare Fastify: what is acknowledged, what is given back, and what leads on to the
// EHR's own logout.

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import logout from '../../plugins/logout.ts'
import { BrokerError } from '../../src/errors.ts'
import type { Left } from '../../src/session/leaving.ts'
import { buildTokens } from '../session/sessions.ts'
import { buildBareApp } from './alone.ts'

const publicUrl = 'https://app.example.org'
const AT_EHR = 'https://ehr.example.org/logout'
const open = { session: { ehr: 'general', tokens: buildTokens(0) } } as Left['open']

async function build(t: TestContext, left: Left[]) {
  const discarded: string[] = []
  const app = buildBareApp({
    smartGuard: {
      check({ raw }: { raw: { headers: Record<string, string> } }) {
        if (raw.headers.origin === 'https://evil.example') throw new BrokerError('cross_site')
      },
    },
    smartTickets: { leave: async () => left[0], leaveAll: async () => left },
    smartTokens: { discard: (ehr: string) => discarded.push(ehr) },
    smartAuthorization: { endSessionUrl: async () => AT_EHR },
  })
  t.after(() => app.close())
  await app.register(logout, { publicUrl, keys: [Buffer.alloc(32, 7)] })
  const leave = async (headers = {}) => {
    const one = await app.inject({ method: 'DELETE', url: '/sessions/x', headers })
    const all = await app.inject({ method: 'POST', url: '/logout', headers })
    return { one, all, codes: [one, all].map(({ json }) => json().code) }
  }
  return { app, leave, discarded }
}

test('[O10, G8] a logout that is not done, or not recorded, is not acknowledged; its tokens go back', async t => {
  const done = { open, isEnded: true }
  const unrecorded = { ...done, unrecorded: new Error('the disk is full') }
  for (const [left, code, given] of [
    [[done], undefined, 1],
    [[{ open, isEnded: false }], 'logout_incomplete', 1],
    [[{ isEnded: false }], 'logout_incomplete', 0],
    [[unrecorded], 'audit_unavailable', 1],
  ] as [Left[], string | undefined, number][]) {
    const { leave, discarded } = await build(t, left)
    const { one, all, codes } = await leave()
    assert.deepEqual(codes, [code, code])
    for (const { statusCode } of [one, all])
      assert.equal(statusCode, code === undefined ? 200 : 503)
    assert.equal(discarded.length, 2 * given)
  }
  // One among several is enough.
  for (const [last, code] of [
    [{ open, isEnded: false }, 'logout_incomplete'],
    [unrecorded, 'audit_unavailable'],
  ] as const) {
    const { leave, discarded } = await build(t, [done, last])
    assert.equal((await leave()).codes[1], code)
    assert.equal(discarded.length, 3)
  }
})

test('[O1, X2] pages of other sites end nothing', async t => {
  const { leave, discarded } = await build(t, [{ open, isEnded: true }])
  assert.deepEqual((await leave({ origin: 'https://evil.example' })).codes, [
    'cross_site',
    'cross_site',
  ])
  assert.deepEqual(discarded, [])
})

test('[O3] to the EHR’s own logout leads what we sealed, and a page alone', async t => {
  const { app, leave } = await build(t, [{ open, isEnded: true }])
  const { one } = await leave()
  const { pathname, search } = new URL(one.json().endSessionUrl)
  const go = async (query: string, headers = {}) => {
    const answer = await app.inject({ url: pathname + query, headers })
    return [answer.statusCode, answer.headers.location]
  }
  assert.deepEqual(await go(search), [303, AT_EHR])
  assert.deepEqual(await go(search, { 'sec-fetch-dest': 'document' }), [303, AT_EHR])
  assert.deepEqual(await go(search, { 'sec-fetch-dest': 'empty' }), [400, undefined])
  for (const query of ['', '?to=', `?to=${encodeURIComponent(AT_EHR)}`, `${search}x`]) {
    assert.deepEqual(await go(query), [400, undefined], query)
  }
})
