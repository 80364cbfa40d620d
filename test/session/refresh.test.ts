// Renewal: once, fenced, durable before use; what ends a session and what does not.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BrokerError } from '../../src/errors.ts'
import { createRefresher, type RefreshOptions } from '../../src/session/refresh.ts'
import type { OpenSession } from '../../src/session/session.ts'
import type { RefreshOutcome } from '../../src/smart/refresh.ts'
import type { TokenSet } from '../../src/smart/types.ts'
import { buildStore, buildTokens, createClock, HOUR, ISS, MINUTE } from './sessions.ts'

interface Overrides extends Partial<RefreshOptions> {
  /** The token call, in place of one that renews. */
  refresh?: (open: OpenSession) => Promise<RefreshOutcome>
}

async function build({ refresh, ...overrides }: Overrides = {}, tokens: Partial<TokenSet> = {}) {
  const parts = buildStore()
  const { clock, store, vault } = parts
  const log: string[] = []
  const discarded: string[] = []
  let calls = 0
  const options: RefreshOptions = {
    vault,
    now: clock.now,
    deadlineMs: 10_000,
    owner: 'this process',
    random: () => 0.5,
    // Polling passes time; the patience of a request does not run out by itself.
    wait: async milliseconds =>
      milliseconds < 1000 ? clock.pass(milliseconds) : new Promise(() => {}),
    prepare: async open => () => (refresh ?? renew)(open),
    replace: store.replace,
    reopen: store.reopen,
    async end(open) {
      await store.end(open.recordId)
    },
    discard: (_open, gone) => discarded.push(gone.accessToken),
    report: outcome => log.push(outcome),
    ...overrides,
  }
  async function renew(open: OpenSession): Promise<RefreshOutcome> {
    calls++
    const next = buildTokens(clock.now(), {
      accessToken: `access-${calls + 1}`,
      refreshToken: `refresh-${calls + 1}`,
      context: open.session.tokens.context,
    })
    return { outcome: 'renewed', tokens: next }
  }
  const made = await store.begin(ISS, buildTokens(clock.now(), tokens), 'browser', 'general')
  const open = () => store.open(made.ticket, { slide: false }) as OpenSession | Promise<OpenSession>
  return { ...parts, options, made, open, log, discarded, calls: () => calls }
}

const nearExpiry = { accessTokenExpiresAt: 0, accessTokenLifetimeMs: HOUR }
const hasCode = (code: string) => (error: unknown) =>
  error instanceof BrokerError && error.code === code

test('[AL-55] a token far from its end is used as it is, without waiting', async () => {
  const parts = await build()
  const refresher = createRefresher(parts.options)
  assert.equal(refresher.accessToken(await parts.open()), 'access-1')
  assert.equal(parts.calls(), 0)
})

test('[F10, AL-55] a token near its end is renewed ahead of it, with a margin it can afford', async () => {
  const near = (remaining: number, life: number) => async () => {
    const parts = await build()
    const open = await parts.open()
    const tokens = {
      ...open.session.tokens,
      accessTokenExpiresAt: parts.clock.now() + remaining,
      accessTokenLifetimeMs: life,
    }
    const refresher = createRefresher(parts.options)
    return await refresher.accessToken({ ...open, session: { ...open.session, tokens } })
  }
  assert.equal(await near(44_000, HOUR)(), 'access-2')
  assert.equal(await near(61_000, HOUR)(), 'access-1')
  assert.equal(await near(5_000, 60_000)(), 'access-2')
  assert.equal(await near(10_000, 60_000)(), 'access-1')
})

test('[F1] two hundred calls at expiry make one token call', async () => {
  const parts = await build({}, nearExpiry)
  const refresher = createRefresher(parts.options)
  const open = await parts.open()
  const tokens = await Promise.all(Array.from({ length: 200 }, () => refresher.accessToken(open)))
  assert.deepEqual([...new Set(tokens)], ['access-2'])
  assert.equal(parts.calls(), 1)
  assert.equal((await parts.open()).session.tokens.refreshToken, 'refresh-2')
})

test('[F1, F2] two processes share one renewal', async () => {
  const parts = await build({}, nearExpiry)
  const first = createRefresher(parts.options)
  const second = createRefresher({ ...parts.options, owner: 'another process' })
  const open = await parts.open()
  const tokens = await Promise.all([first, second].map(each => each.accessToken(open)))
  assert.deepEqual(tokens, ['access-2', 'access-2'])
  assert.equal(parts.calls(), 1)
})

test('[F8, F6] an orphaned lease is taken over once its time is up', async () => {
  const parts = await build({}, nearExpiry)
  const open = await parts.open()
  await parts.vault.lease(open.recordId, 'a process that died', parts.clock.now() + 20_000)
  const refresher = createRefresher(parts.options)
  assert.equal(await refresher.accessToken(open), 'access-2')
  assert.equal(parts.calls(), 1)
})

test('[F3] invalid_grant ends the session, once and without a loop', async () => {
  const parts = await build(
    { refresh: async () => ({ outcome: 'ended', reason: 'invalid_grant' }) },
    nearExpiry,
  )
  const refresher = createRefresher(parts.options)
  const open = await parts.open()
  await assert.rejects(async () => refresher.accessToken(open), hasCode('session_expired'))
  assert.equal(parts.vault.head(open.recordId), undefined)
  await assert.rejects(async () => refresher.accessToken(open), hasCode('session_invalid'))
})

test('[Q16] a grant that was suspended ends with the address of the page that explains it', async () => {
  const errorUri = 'https://ehr.example.org/suspended'
  const parts = await build(
    { refresh: async () => ({ outcome: 'ended', reason: 'invalid_grant', errorUri }) },
    nearExpiry,
  )
  const refresher = createRefresher(parts.options)
  const open = await parts.open()
  await assert.rejects(
    async () => refresher.accessToken(open),
    (error: unknown) =>
      error instanceof BrokerError &&
      error.links?.[0]?.url === errorUri &&
      error.links.length === 1,
  )
})

test('[F4, F5] a failure that may pass leaves the session, and the old token serves while it lives', async () => {
  let calls = 0
  const refresh = async () => {
    calls++
    throw new BrokerError('client_auth_failed')
  }
  const alive = await build({ refresh })
  const living = createRefresher(alive.options)
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

  const expired = await build({ refresh }, nearExpiry)
  const dead = createRefresher(expired.options)
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

test('[F7] a logout during the renewal wins, and the fresh tokens are given back', async () => {
  const parts = await build({}, nearExpiry)
  const { prepare } = parts.options
  const refresher = createRefresher({
    ...parts.options,
    async prepare(open) {
      const send = await prepare(open)
      return async () => {
        const answer = await send()
        await parts.store.end(open.recordId)
        return answer
      }
    },
  })
  const open = await parts.open()
  await assert.rejects(async () => refresher.accessToken(open), hasCode('session_invalid'))
  assert.deepEqual(parts.discarded, ['access-2'])
  assert.equal(parts.vault.head(open.recordId), undefined)
})

test('[F9, AL-62] a contradiction ends the session and gives its tokens back', async () => {
  const parts = await build({}, nearExpiry)
  const tokens = buildTokens(parts.clock.now(), { accessToken: 'of another patient' })
  const refresher = createRefresher({
    ...parts.options,
    prepare: async () => async () => ({ outcome: 'ended', reason: 'other patient', tokens }),
  })
  await assert.rejects(
    async () => refresher.accessToken(await parts.open()),
    hasCode('session_expired'),
  )
  assert.deepEqual(parts.discarded, ['of another patient'])
})

test('tokens that the vault would not take are stored before the EHR is asked again', async () => {
  const parts = await build({}, nearExpiry)
  let full = true
  const refresher = createRefresher({
    ...parts.options,
    async replace(open, tokens) {
      if (full) throw new BrokerError('vault_unavailable')
      return await parts.store.replace(open, tokens)
    },
  })
  const open = await parts.open()
  await assert.rejects(async () => refresher.accessToken(open), hasCode('vault_unavailable'))
  full = false
  assert.equal(await refresher.accessToken(open), 'access-2')
  assert.equal(parts.calls(), 1)
})

test('[R7] an EHR that refuses every token starts no storm', async () => {
  const parts = await build()
  const refresher = createRefresher(parts.options)
  assert.equal(await refresher.renew(await parts.open()), 'access-2')
  for (let i = 0; i < 20; i++) {
    await assert.rejects(
      async () => refresher.renew(await parts.open()),
      hasCode('upstream_unauthorized'),
    )
  }
  assert.equal(parts.calls(), 1)
  parts.clock.pass(MINUTE)
  assert.equal(await refresher.renew(await parts.open()), 'access-3')
})

test('[SC-40] a session without a refresh token ends with its access token', async () => {
  const parts = await build({}, { ...nearExpiry, refreshToken: undefined })
  const refresher = createRefresher(parts.options)
  const open = await parts.open()
  await assert.rejects(async () => refresher.accessToken(open), hasCode('session_expired'))
  assert.equal(parts.vault.head(open.recordId), undefined)
})

test('a token that still lives is not held up by a renewal that takes its time', async () => {
  const { promise: answered, resolve } = Promise.withResolvers<void>()
  const parts = await build({}, { accessTokenExpiresAt: createClock().now() + 20_000 })
  const { prepare } = parts.options
  const refresher = createRefresher({
    ...parts.options,
    wait: async () => {},
    async prepare(open) {
      const send = await prepare(open)
      return () => answered.then(send)
    },
  })
  for (let i = 0; i < 5; i++) {
    assert.equal(await refresher.accessToken(await parts.open()), 'access-1')
  }
  let isSettled = false
  const settled = refresher.settled().then(() => {
    isSettled = true
  })
  await new Promise(done => setImmediate(done))
  assert.equal(isSettled, false)
  resolve()
  await settled
  assert.equal((await parts.open()).session.tokens.accessToken, 'access-2')
  assert.equal(parts.calls(), 1)
})

test('[F4] each failure in a row rests longer, as long as the EHR asks, a minute at most', async () => {
  const asked: (number | undefined)[] = [undefined, undefined, 30, undefined, 4000]
  let calls = 0
  const refresh = async () => {
    throw new BrokerError('issuer_unreachable', { retryAfterSeconds: asked[calls++] })
  }
  const parts = await build({ refresh }, nearExpiry)
  const refresher = createRefresher(parts.options)
  const told: (number | undefined)[] = []
  for (let i = 0; i < asked.length; i++) {
    const failure: unknown = await Promise.resolve(refresher.accessToken(await parts.open())).catch(
      error => error,
    )
    assert.ok(failure instanceof BrokerError && failure.code === 'refresh_failed')
    assert.equal(failure.status, 503)
    told.push(failure.retryAfterSeconds)
    parts.clock.pass(1000 * (failure.retryAfterSeconds ?? 0) - 1)
    await assert.rejects(async () => refresher.accessToken(await parts.open()), {
      code: 'refresh_failed',
      retryAfterSeconds: 1,
    })
    assert.equal(calls, i + 1)
    parts.clock.pass(1)
  }
  assert.deepEqual(told, [5, 10, 30, 40, 60])
})

test('[F2, F8] a refresh token is not sent when its lease could end before the answer', async () => {
  const parts = await build({}, nearExpiry)
  const { prepare } = parts.options
  const refresher = createRefresher({
    ...parts.options,
    async prepare(open) {
      parts.clock.pass(20_001)
      return await prepare(open)
    },
  })
  await assert.rejects(async () => refresher.accessToken(await parts.open()), {
    code: 'refresh_failed',
  })
  assert.equal(parts.calls(), 0)
})

test('[F2] tokens whose storing was acknowledged to nobody never replace later ones', async () => {
  const parts = await build({}, nearExpiry)
  let isLost = true
  const refresher = createRefresher({
    ...parts.options,
    async replace(open, tokens) {
      const stored = await parts.store.replace(open, tokens)
      if (isLost) throw new BrokerError('vault_unavailable')
      return stored
    },
  })
  await assert.rejects(async () => refresher.accessToken(await parts.open()), {
    code: 'vault_unavailable',
  })
  isLost = false
  assert.equal((await parts.open()).session.tokens.refreshToken, 'refresh-2')
  for (let passed = 0; passed < HOUR; passed += 10 * MINUTE) {
    parts.clock.pass(10 * MINUTE)
    await parts.store.open(parts.made.ticket, { slide: true })
  }
  assert.equal(await refresher.accessToken(await parts.open()), 'access-3')
  assert.equal((await parts.open()).session.tokens.refreshToken, 'refresh-3')
})
