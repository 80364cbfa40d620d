// Spending a refresh token: once, fenced, durable before use, and what is left is given back.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BrokerError } from '../../src/errors.ts'
import { createRenewals, type RenewingOptions } from '../../src/session/renewal.ts'
import type { OpenSession } from '../../src/session/session.ts'
import type { RefreshOutcome } from '../../src/smart/token/refresh.ts'
import { buildRig, hasCode, nearExpiry } from './renewal-parts.ts'
import { buildTokens, HOUR, MINUTE } from './sessions.ts'

test('[F1, F2] two processes share one renewal', async () => {
  const parts = await buildRig({}, nearExpiry)
  const first = createRenewals(parts.options)
  const second = createRenewals({ ...parts.options, owner: 'another process' })
  const open = await parts.open()
  const tokens = await Promise.all([first, second].map(each => each.accessToken(open)))
  assert.deepEqual(tokens, ['access-2', 'access-2'])
  assert.equal(parts.calls(), 1)
})

test('[F8, F6] an orphaned lease is taken over once its time is up', async () => {
  const parts = await buildRig({}, nearExpiry)
  const open = await parts.open()
  await parts.vault.lease(open.recordId, 'a process that died', 20_000)
  const renewals = createRenewals(parts.options)
  assert.equal(await renewals.accessToken(open), 'access-2')
  assert.equal(parts.calls(), 1)
})

test('[F2, F7] who waits for the renewal of a session that ends meanwhile is told so', async () => {
  const parts = await buildRig({}, nearExpiry)
  const open = await parts.open()
  await parts.vault.lease(open.recordId, 'another process', 20_000)
  await parts.vault.remove(open.recordId)
  const renewals = createRenewals(parts.options)
  await assert.rejects(async () => renewals.accessToken(open), hasCode('session_invalid'))
  assert.equal(parts.calls(), 0)
})

test('[F3] invalid_grant ends the session, once and without a loop', async () => {
  const parts = await buildRig(
    { refresh: async () => ({ outcome: 'ended', reason: 'invalid_grant' }) },
    nearExpiry,
  )
  const renewals = createRenewals(parts.options)
  const open = await parts.open()
  await assert.rejects(async () => renewals.accessToken(open), hasCode('session_expired'))
  assert.equal(parts.vault.head(open.recordId), undefined)
  await assert.rejects(async () => renewals.accessToken(open), hasCode('session_invalid'))
  // What is left of the grant is given back; the refresh token is known to be dead.
  assert.deepEqual(parts.discarded, ['access-1'])
})

test('[Q30] a refusal without a reason is tried once more, and then is the end', async () => {
  for (const [answers, code, calls] of [
    [['refused', 'refused'], 'session_expired', 2],
    [['refused', 'ended'], 'session_expired', 2],
    [['refused', 'busy'], 'refresh_failed', 2],
    [['refused', 'renewed'], undefined, 2],
    [['busy', 'refused'], 'refresh_failed', 1],
  ] as const) {
    let asked = 0
    const refresh = async (open: OpenSession): Promise<RefreshOutcome> => {
      const answer = answers[asked++]
      if (answer === 'busy') throw new BrokerError('refresh_failed')
      if (answer === 'refused') return { outcome: 'refused', detail: 'status 403' }
      if (answer === 'ended') return { outcome: 'ended', reason: 'invalid_grant' }
      return { outcome: 'renewed', tokens: { ...open.session.tokens, accessToken: 'access-2' } }
    }
    const parts = await buildRig({ refresh }, nearExpiry)
    const renewals = createRenewals(parts.options)
    const open = await parts.open()
    const told = await Promise.resolve(renewals.accessToken(open)).catch(error => error.code)
    assert.equal(told, code ?? 'access-2', answers.join())
    assert.equal(asked, calls)
    assert.equal(parts.vault.head(open.recordId) === undefined, code === 'session_expired')
  }
})

test('[Q30] while the old token serves, a refusal without a reason ends nothing', async () => {
  let says: 'refused' | 'renewed' = 'refused'
  const asked: string[] = []
  const build = async () => {
    const parts = await buildRig({
      refresh: async open => {
        asked.push(says)
        if (says === 'refused') return { outcome: 'refused', detail: 'status 404' }
        return { outcome: 'renewed', tokens: { ...open.session.tokens, accessToken: 'access-2' } }
      },
    })
    const expires = parts.clock.now() + 40_000
    const { session, ...record } = await parts.open()
    const tokens = { ...session.tokens, accessTokenExpiresAt: expires, accessTokenLifetimeMs: HOUR }
    const open = { ...record, session: { ...session, tokens } }
    await parts.store.replace(open, tokens)
    return { ...parts, renewals: createRenewals(parts.options) }
  }

  const passing = await build()
  const served = [await passing.renewals.accessToken(await passing.open())]
  // At rest, it asks nobody.
  served.push(await passing.renewals.accessToken(await passing.open()))
  assert.deepEqual(
    [served, asked],
    [
      ['access-1', 'access-1'],
      ['refused', 'refused'],
    ],
  )
  passing.clock.pass(20_000)
  says = 'renewed'
  assert.equal(await passing.renewals.accessToken(await passing.open()), 'access-2')

  says = 'refused'
  const lasting = await build()
  assert.equal(await lasting.renewals.accessToken(await lasting.open()), 'access-1')
  lasting.clock.pass(MINUTE)
  const over = await lasting.open()
  await assert.rejects(async () => lasting.renewals.accessToken(over), hasCode('session_expired'))

  // The EHR refuses the token itself: it serves nobody, whatever its time says.
  const refused = await build()
  const open = await refused.open()
  await assert.rejects(refused.renewals.renew(open), hasCode('session_expired'))
})

test('[Q16] a grant that was suspended ends with the address of the page that explains it', async () => {
  const errorUri = 'https://ehr.example.org/suspended'
  const parts = await buildRig(
    { refresh: async () => ({ outcome: 'ended', reason: 'invalid_grant', errorUri }) },
    nearExpiry,
  )
  const renewals = createRenewals(parts.options)
  const open = await parts.open()
  await assert.rejects(
    async () => renewals.accessToken(open),
    (error: unknown) =>
      error instanceof BrokerError &&
      error.links?.[0]?.url === errorUri &&
      error.links.length === 1,
  )
})

test('[F7] a logout during the renewal wins, and the fresh tokens are given back', async () => {
  const parts = await buildRig({}, nearExpiry)
  const { prepare } = parts.options
  const renewals = createRenewals({
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
  await assert.rejects(async () => renewals.accessToken(open), hasCode('session_invalid'))
  assert.deepEqual(parts.discarded, ['refresh-2', 'access-2'])
  assert.equal(parts.vault.head(open.recordId), undefined)
})

test('[F9, AL-62] a contradiction ends the session and gives its tokens back', async () => {
  const parts = await buildRig({}, nearExpiry)
  const tokens = buildTokens(parts.clock.now(), {
    accessToken: 'of another patient',
    refreshToken: 'renews them',
  })
  const renewals = createRenewals({
    ...parts.options,
    prepare: async () => async () => ({ outcome: 'ended', reason: 'other patient', tokens }),
  })
  await assert.rejects(
    async () => renewals.accessToken(await parts.open()),
    hasCode('session_expired'),
  )
  assert.deepEqual(parts.discarded, ['access-1', 'renews them', 'of another patient'])
})

test('tokens that the vault would not take are stored before the EHR is asked again', async () => {
  const parts = await buildRig({}, nearExpiry)
  let full = true
  const renewals = createRenewals({
    ...parts.options,
    async replace(open, tokens) {
      if (full) throw new BrokerError('vault_unavailable')
      return await parts.store.replace(open, tokens)
    },
  })
  const open = await parts.open()
  await assert.rejects(async () => renewals.accessToken(open), hasCode('vault_unavailable'))
  full = false
  assert.equal(await renewals.accessToken(open), 'access-2')
  assert.equal(parts.calls(), 1)
})

test('[F2, F8] a refresh token is not sent when its lease could end before the answer', async () => {
  const parts = await buildRig({}, nearExpiry)
  const { prepare } = parts.options
  const renewals = createRenewals({
    ...parts.options,
    async prepare(open) {
      parts.clock.pass(15_001)
      return await prepare(open)
    },
  })
  await assert.rejects(async () => renewals.accessToken(await parts.open()), {
    code: 'refresh_failed',
  })
  assert.equal(parts.calls(), 0)
})

test('[F2] tokens whose storing was acknowledged to nobody never replace later ones', async () => {
  const parts = await buildRig({}, nearExpiry)
  let isLost = true
  const renewals = createRenewals({
    ...parts.options,
    async replace(open, tokens) {
      const stored = await parts.store.replace(open, tokens)
      if (isLost) throw new BrokerError('vault_unavailable')
      return stored
    },
  })
  await assert.rejects(async () => renewals.accessToken(await parts.open()), {
    code: 'vault_unavailable',
  })
  isLost = false
  assert.equal((await parts.open()).session.tokens.refreshToken, 'refresh-2')
  for (let passed = 0; passed < HOUR; passed += 10 * MINUTE) {
    parts.clock.pass(10 * MINUTE)
    await parts.store.open(parts.made.ticket, { slide: true })
  }
  assert.equal(await renewals.accessToken(await parts.open()), 'access-3')
  assert.equal((await parts.open()).session.tokens.refreshToken, 'refresh-3')
})

test('[F13] a holder that lost the race uses what is there, and revokes nothing while the session lives', async () => {
  const parts = await buildRig({}, nearExpiry)
  const { prepare } = parts.options
  const second = createRenewals({ ...parts.options, owner: 'another process' })
  const first = createRenewals({
    ...parts.options,
    async prepare(open) {
      const send = await prepare(open)
      return async () => {
        const answer = await send()
        // It stands still until its lease is over; somebody else renews, and stores it.
        parts.clock.pass(31_000)
        assert.equal(await second.accessToken(open), 'access-3')
        return answer
      }
    },
  })
  assert.equal(await first.accessToken(await parts.open()), 'access-3')
  assert.equal((await parts.open()).session.tokens.refreshToken, 'refresh-3')
  assert.deepEqual(parts.discarded, [])
})

test('[F13, F3] a refresh token that another holder has spent ends no session that lives on', async () => {
  const parts = await buildRig({}, nearExpiry)
  const other = createRenewals({ ...parts.options, owner: 'another process' })
  const renewals = createRenewals({
    ...parts.options,
    prepare: async open => async () => {
      parts.clock.pass(31_000)
      await other.accessToken(open)
      return { outcome: 'ended', reason: 'invalid_grant' }
    },
  })
  assert.equal(await renewals.accessToken(await parts.open()), 'access-2')
  assert.deepEqual(parts.discarded, [])
  assert.ok(parts.vault.head(parts.made.recordId))
})

test('[F13] a lease is counted by no clock that is set: one that jumps lets nobody in', async () => {
  const parts = await buildRig({}, nearExpiry)
  let skew = 0
  const now = () => parts.clock.now() + skew
  const { prepare } = parts.options
  const { promise: sent, resolve } = Promise.withResolvers<void>()
  const { promise: answered, resolve: answer } = Promise.withResolvers<void>()
  const first = createRenewals({
    ...{ ...parts.options, now },
    async prepare(open) {
      const send = await prepare(open)
      return async () => {
        resolve()
        await answered
        return await send()
      }
    },
  })
  const second = createRenewals({
    ...{ ...parts.options, now, owner: 'another process' },
    async wait() {
      await new Promise(done => setImmediate(done))
    },
  })
  const open = await parts.open()
  const one = first.accessToken(open)
  await sent
  skew = 10 * MINUTE
  const two = second.accessToken(open)
  for (let turns = 0; turns < 50; turns++) await new Promise(done => setImmediate(done))
  assert.equal(parts.calls(), 0)
  answer()
  assert.deepEqual(await Promise.all([one, two]), ['access-2', 'access-2'])
  assert.equal(parts.calls(), 1)
})

test('[F2, F14] what the vault would not take is stored without a further request, and by nobody else sent', async () => {
  const parts = await buildRig({}, nearExpiry)
  const disk = { isFull: true }
  const options = overDisk(parts, disk)
  const renewals = createRenewals(options)
  const open = await parts.open()
  await assert.rejects(async () => renewals.accessToken(open), hasCode('vault_unavailable'))
  const other = createRenewals({ ...options, owner: 'another process' })
  const waiting = other.accessToken(open)
  const settled = renewals.settled()
  for (let turns = 0; turns < 50; turns++) await new Promise(done => setImmediate(done))
  assert.equal(parts.calls(), 1)
  disk.isFull = false
  await settled
  assert.equal((await parts.open()).session.tokens.refreshToken, 'refresh-2')
  assert.equal(await waiting, 'access-2')
  assert.equal(parts.calls(), 1)
  assert.equal(await parts.vault.lease(open.recordId, 'anybody', 1), true)
})

test('[F14, F7] what waits for the vault is given back where the session has ended meanwhile', async () => {
  const parts = await buildRig({}, nearExpiry)
  const disk = { isFull: true }
  const renewals = createRenewals(overDisk(parts, disk))
  const open = await parts.open()
  await assert.rejects(async () => renewals.accessToken(open), hasCode('vault_unavailable'))
  await parts.store.end(open.recordId)
  disk.isFull = false
  await renewals.settled()
  assert.deepEqual(parts.discarded, ['refresh-2', 'access-2'])
  assert.equal(parts.vault.head(open.recordId), undefined)
})

test('[F14] what waits for the vault is let go when its session is over', async () => {
  const parts = await buildRig({}, nearExpiry)
  const renewals = createRenewals(overDisk(parts, { isFull: true }))
  const open = await parts.open()
  await assert.rejects(async () => renewals.accessToken(open), hasCode('vault_unavailable'))
  parts.clock.pass(12 * HOUR)
  await renewals.settled()
})

/** Renewals over a vault that takes nothing while its disk is full, and is asked again at once. */
function overDisk(
  parts: Awaited<ReturnType<typeof buildRig>>,
  disk: { isFull: boolean },
): RenewingOptions {
  return {
    ...parts.options,
    async wait() {
      await new Promise(done => setImmediate(done))
    },
    async replace(open, tokens) {
      if (disk.isFull) throw new BrokerError('vault_unavailable')
      return await parts.store.replace(open, tokens)
    },
  }
}

test('[F8, V11] a lease whose grant was never heard of, or whose end, keeps nobody waiting for its time', async () => {
  const lost = () => new BrokerError('vault_unavailable')
  for (const step of ['lease', 'release'] as const) {
    const parts = await buildRig({}, nearExpiry)
    const { vault } = parts
    let failures = 0
    const fail = (name: string) => {
      if (name === step && failures++ === 0) throw lost()
    }
    const renewals = createRenewals({
      ...parts.options,
      wait: async () => undefined,
      // What was done, and its answer lost; or what was never done.
      vault: {
        head: vault.head,
        async lease(...given) {
          const isGranted = await vault.lease(...given)
          fail('lease')
          return isGranted
        },
        async release(...given) {
          fail('release')
          await vault.release(...given)
        },
      },
    })
    const open = await parts.open()
    await Promise.resolve(renewals.renew(open)).catch(() => undefined)
    await new Promise(done => setImmediate(done))
    assert.equal(failures, step === 'lease' ? 1 : 2, step)
    assert.equal(await vault.lease(open.recordId, 'anybody', 1), true, step)
  }
})
