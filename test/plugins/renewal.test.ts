// Renewals and what is given back, alone in a bare Fastify over a store of sessions: what is written down, and
// that nobody asks for an EHR that is registered no longer.

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import renewal from '../../plugins/renewal.ts'
import sessionStore from '../../plugins/session-store.ts'
import type { Act } from '../../src/observer.ts'
import type { OpenSession } from '../../src/session/session.ts'
import type { TokenSet } from '../../src/smart/types.ts'
import { buildStore, buildTokens, ISS } from '../session/sessions.ts'
import { buildBareApp, buildRegistration } from './alone.ts'

async function build(t: TestContext, server: object = {}) {
  const { clock, vault, sealer } = buildStore()
  const told: Act[] = []
  const asked: unknown[] = []
  const answer = { status: 503, body: '{}', calls: 0 }
  const app = buildBareApp({
    smartVault: vault,
    smartMetrics: { count() {}, tell: (act: Act) => void told.push(act) },
    smartAuthorization: {
      async prepare(registration: unknown) {
        asked.push(registration)
        const { now } = clock
        return {
          ...{ registration, now, sharedNow: now, randomBytes: Buffer.alloc },
          server: { issuer: 'https://ehr.example.org', tokenEndpoint: `${ISS}/token`, ...server },
          fetch: async () => {
            answer.calls++
            const headers = { 'content-type': 'application/json' }
            return new Response(answer.body, { status: answer.status, headers })
          },
        }
      },
    },
  })
  t.after(() => app.close())
  await app.register(sessionStore, { sealer })
  await app.register(renewal, { registrations: [buildRegistration()], steady: clock.now })
  /** A session whose access token has just ended. */
  const begin = (overrides: Partial<TokenSet> = {}, ehr = 'general') => {
    const tokens = buildTokens(clock.now(), { accessTokenExpiresAt: clock.now(), ...overrides })
    return app.smartSessions.begin(ISS, tokens, 'browser', ehr)
  }
  return { app, begin, told, asked, answer }
}

const tell = ({ act, ehr, reason }: Act) => `${act} at ${ehr}: ${reason}`

test('[G8, F3, F4] a renewal is written down with its outcome, and the end of a session once', async t => {
  const { app, begin, told, answer } = await build(t)
  const renew = async (open: OpenSession) => await app.smartTokens.accessToken(open)
  const lasting = await begin()
  await assert.rejects(renew(lasting), { code: 'refresh_failed' })
  assert.deepEqual(told.splice(0).map(tell), ['renewal at general: failed'])
  const bare = await begin({ refreshToken: undefined })
  await assert.rejects(renew(bare), { code: 'session_expired' })
  assert.deepEqual(told.splice(0).map(tell), ['ending at general: token_ended'])
  Object.assign(answer, { status: 400, body: '{"error":"invalid_grant"}' })
  const refused = await begin()
  await assert.rejects(renew(refused), { code: 'session_expired' })
  assert.deepEqual(told.splice(0).map(tell), ['ending at general: token_ended'])
})

test('[G8] a session that is renewed goes on, and no end of it is written down', async t => {
  const { app, begin, told, answer } = await build(t)
  const renewed = { access_token: 'access-2', refresh_token: 'refresh-2', token_type: 'Bearer' }
  const body = JSON.stringify({ ...renewed, expires_in: 3600, patient: 'amy' })
  Object.assign(answer, { status: 200, body })
  assert.equal(await app.smartTokens.accessToken(await begin()), 'access-2')
  assert.deepEqual(told.map(tell), ['renewal at general: renewed'])
})

test('[G8] a session that ends is written down with its reason, but for a logout, which is told where it was asked for', async t => {
  const { app, begin, told } = await build(t)
  for (const reason of ['logout', 'operator', 'ehr'] as const) {
    const { recordId } = await begin()
    await app.smartSessions.endAll([recordId], reason, 'general')
  }
  assert.deepEqual(told.map(tell), ['ending at general: operator', 'ending at general: ehr'])
})

test('[F3, O1] for an EHR that is registered no longer nobody is asked', async t => {
  const { app, begin, asked } = await build(t)
  const open = await begin({}, 'gone')
  await assert.rejects(async () => await app.smartTokens.accessToken(open), /no registration/)
  app.smartTokens.discard('gone', open.session.tokens)
  app.smartTokens.discard('general', open.session.tokens)
  await app.close()
  assert.deepEqual(asked, [buildRegistration()])
})

test('[O1] tokens that the EHR could not take back are tried again, and the app is not held up by it', async t => {
  const { app, answer } = await build(t, { revocationEndpoint: `${ISS}/revoke` })
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const giveBack = async () => {
    let isSettled = false
    app.smartTokens.discard('general', buildTokens(0))
    void app.smartTokens.settled().then(() => {
      isSettled = true
    })
    answer.calls = 0
    // Both tokens have been tried, and whoever is done with them has had time to say so.
    while (answer.calls < 2) await new Promise(setImmediate)
    for (let i = 0; i < 20; i++) await new Promise(setImmediate)
    return isSettled
  }
  answer.status = 200
  assert.equal(await giveBack(), true)
  answer.status = 503
  assert.equal(await giveBack(), false)
  let isClosed = false
  void app.close().then(() => {
    isClosed = true
  })
  while (!isClosed) {
    t.mock.timers.tick(1_000)
    await new Promise(setImmediate)
  }
})
