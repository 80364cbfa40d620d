// When tokens are renewed: ahead of their end, once for all who ask, and seldom at an EHR that refuses.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BrokerError } from '../../src/errors.ts'
import { createRenewals } from '../../src/session/renewal.ts'
import { buildRig, hasCode, nearExpiry } from './renewal-parts.ts'
import { createClock, HOUR, MINUTE } from './sessions.ts'

test('[AL-55] a token far from its end is used as it is, without waiting', async () => {
  const parts = await buildRig()
  const renewals = createRenewals(parts.options)
  assert.equal(renewals.accessToken(await parts.open()), 'access-1')
  assert.equal(parts.calls(), 0)
})

test('[F10, AL-55] a token near its end is renewed ahead of it, with a margin it can afford', async () => {
  const near = (remaining: number, life: number) => async () => {
    const parts = await buildRig()
    const open = await parts.open()
    const tokens = {
      ...open.session.tokens,
      accessTokenExpiresAt: parts.clock.now() + remaining,
      accessTokenLifetimeMs: life,
    }
    const renewals = createRenewals(parts.options)
    return await renewals.accessToken({ ...open, session: { ...open.session, tokens } })
  }
  assert.equal(await near(44_000, HOUR)(), 'access-2')
  assert.equal(await near(61_000, HOUR)(), 'access-1')
  assert.equal(await near(5_000, 60_000)(), 'access-2')
  assert.equal(await near(10_000, 60_000)(), 'access-1')
})

test('[F1] two hundred calls at expiry make one token call', async () => {
  const parts = await buildRig({}, nearExpiry)
  const renewals = createRenewals(parts.options)
  const open = await parts.open()
  const tokens = await Promise.all(Array.from({ length: 200 }, () => renewals.accessToken(open)))
  assert.deepEqual([...new Set(tokens)], ['access-2'])
  assert.equal(parts.calls(), 1)
  assert.equal((await parts.open()).session.tokens.refreshToken, 'refresh-2')
})

test('[F4, F5] a failure that may pass leaves the session, and the old token serves while it lives', async () => {
  let calls = 0
  const refresh = async () => {
    calls++
    throw new BrokerError('client_auth_failed')
  }
  const alive = await buildRig({ refresh })
  const living = createRenewals(alive.options)
  const { session, ...rest } = await alive.open()
  const soon = {
    ...rest,
    session: {
      ...session,
      tokens: { ...session.tokens, accessTokenExpiresAt: alive.clock.now() + 20_000 },
    },
  }
  assert.equal(await living.accessToken(soon), 'access-1')
  for (let i = 0; i < 50; i++) assert.equal(await living.accessToken(soon), 'access-1')
  assert.equal(calls, 1)

  const expired = await buildRig({ refresh }, nearExpiry)
  const dead = createRenewals(expired.options)
  await assert.rejects(
    async () => dead.accessToken(await expired.open()),
    hasCode('client_auth_failed'),
  )
  await assert.rejects(
    async () => dead.accessToken(await expired.open()),
    hasCode('refresh_failed'),
  )
  assert.ok(expired.vault.head(expired.made.recordId))
})

test('[R7] an EHR that refuses every token starts no storm', async () => {
  const parts = await buildRig()
  const renewals = createRenewals(parts.options)
  assert.equal(await renewals.renew(await parts.open()), 'access-2')
  for (let i = 0; i < 20; i++) {
    await assert.rejects(
      async () => renewals.renew(await parts.open()),
      hasCode('upstream_unauthorized'),
    )
  }
  assert.equal(parts.calls(), 1)
  parts.clock.pass(MINUTE)
  assert.equal(await renewals.renew(await parts.open()), 'access-3')
})

test('[SC-40] a session without a refresh token ends with its access token', async () => {
  const parts = await buildRig({}, { ...nearExpiry, refreshToken: undefined })
  const renewals = createRenewals(parts.options)
  const open = await parts.open()
  await assert.rejects(async () => renewals.accessToken(open), hasCode('session_expired'))
  assert.equal(parts.vault.head(open.recordId), undefined)
})

test('[R7, SC-40] a refused token that nothing renews is refused, and the EHR is asked for no other', async () => {
  const parts = await buildRig({}, { refreshToken: undefined })
  const renewals = createRenewals(parts.options)
  await assert.rejects(
    async () => renewals.renew(await parts.open()),
    hasCode('upstream_unauthorized'),
  )
  assert.equal(parts.calls(), 0)
  assert.ok(parts.vault.head(parts.made.recordId))
})

test('a token that still lives is not held up by a renewal that takes its time', async () => {
  const { promise: answered, resolve } = Promise.withResolvers<void>()
  const parts = await buildRig({}, { accessTokenExpiresAt: createClock().now() + 20_000 })
  const { prepare } = parts.options
  const renewals = createRenewals({
    ...parts.options,
    wait: async () => {},
    async prepare(open) {
      const send = await prepare(open)
      return () => answered.then(send)
    },
  })
  for (let i = 0; i < 5; i++) {
    assert.equal(await renewals.accessToken(await parts.open()), 'access-1')
  }
  let isSettled = false
  const settled = renewals.settled().then(() => {
    isSettled = true
  })
  await new Promise(done => setImmediate(done))
  assert.equal(isSettled, false)
  resolve()
  await settled
  assert.equal((await parts.open()).session.tokens.accessToken, 'access-2')
  assert.equal(parts.calls(), 1)
})

test('[F4, Q40] each failure in a row rests longer, as long as the EHR asks, a minute at most', async () => {
  const asked: (number | undefined)[] = [undefined, undefined, 30, undefined, 4000]
  let calls = 0
  const refresh = async () => {
    throw new BrokerError('issuer_unreachable', { retryAfterSeconds: asked[calls++] })
  }
  const parts = await buildRig({ refresh, random: () => 0 }, nearExpiry)
  const renewals = createRenewals(parts.options)
  const told: (number | undefined)[] = []
  for (let i = 0; i < asked.length; i++) {
    const failure: unknown = await Promise.resolve(renewals.accessToken(await parts.open())).catch(
      error => error,
    )
    assert.ok(failure instanceof BrokerError && failure.code === 'refresh_failed')
    assert.equal(failure.status, 503)
    told.push(failure.retryAfterSeconds)
    parts.clock.pass(1000 * (failure.retryAfterSeconds ?? 0) - 1)
    await assert.rejects(async () => renewals.accessToken(await parts.open()), {
      code: 'refresh_failed',
      retryAfterSeconds: 1,
    })
    assert.equal(calls, i + 1)
    parts.clock.pass(1)
  }
  assert.deepEqual(told, [1, 2, 30, 8, 60])
})
