// The callback alone in a bare Fastify, with a host that keeps its own sessions or with tickets: answers that
// belong to no launch, launches of no EHR, and who is led back to a login that is over.

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import callback, { type CallbackOptions } from '../../plugins/callback.ts'
import cookies from '../../plugins/cookies.ts'
import type { Landing } from '../../plugins/state.ts'
import { BrokerError, type FaultCode } from '../../src/errors.ts'
import { buildLaunchId } from '../../src/smart/launch/state.ts'
import type { PendingLaunch } from '../../src/smart/types.ts'
import { buildBareApp, buildRegistration } from './alone.ts'

const publicUrl = 'https://app.example.org'
const session = 'S'.repeat(22)
const landing: Landing = {
  ...{ ehr: 'general', kind: 'ehr', session },
  location: `${publicUrl}/chart?session=${session}`,
}

interface Setting extends Partial<CallbackOptions> {
  /** What redeeming the state gives, or refuses with. */
  redeemed?: Partial<PendingLaunch> | Error
  /** Sessions that the browser has tickets of; without any there is a host with its own. */
  live?: string[]
  /** Whether it is known where the launch has led. */
  isForgotten?: boolean
  /** Whether the login's landing cannot be stored. */
  isLandless?: boolean
}

async function build(t: TestContext, setting: Setting = {}) {
  const { redeemed, live, isForgotten, isLandless, ...options } = setting
  const discarded: string[] = []
  const asked = { redeemed: 0, recalled: 0, exchanged: 0 }
  const app = buildBareApp({
    smartAuthorization: {
      async exchange() {
        asked.exchanged++
        return { accessToken: 'access-1' }
      },
    },
    smartDiscovery: { resolve: async () => ({ issuer: 'https://ehr.example.org' }) },
    smartState: {
      async redeem() {
        asked.redeemed++
        if (redeemed instanceof Error) throw redeemed
        const { iss, redirectUri } = buildRegistration()
        return { ehr: 'general', kind: 'ehr', iss, returnTo: '/', redirectUri, ...redeemed }
      },
      async remember() {},
      async recall() {
        asked.recalled++
        return isForgotten ? undefined : landing
      },
    },
    ...(isLandless && {
      smartTokens: {
        discard: (_ehr: string, { accessToken }: { accessToken: string }) =>
          void discarded.push(accessToken),
      },
      smartFacade: {
        async land() {
          throw new BrokerError('vault_unavailable')
        },
      },
    }),
    ...(live && {
      smartTickets: { openAll: async () => ({ live: live.map(id => ({ session: { id } })) }) },
    }),
  })
  t.after(() => app.close())
  await app.register(cookies, {
    ...{ secure: true, ticketSameSite: 'strict' as const },
    keys: { ticket: [randomBytes(32)], launch: [randomBytes(32)] },
    lifetimes: { ticket: 3600, launch: 600 },
  })
  await app.register(callback, {
    ...{ registrations: [buildRegistration()], publicUrl },
    frontend: { origin: publicUrl, returnTo: '/' },
    ...(live === undefined && { onLogin: async () => undefined }),
    ...options,
  })
  const cookie = `__Host-fhirstorm-launch-${await buildLaunchId('state')}=sealed`
  const call = async (query = 'code=c&state=state', headers: Record<string, string> = {}) => {
    const answer = await app.inject({
      url: `/redirect?${query}`,
      headers: { cookie, ...headers },
    })
    const { location } = answer.headers
    return [answer.statusCode, location ?? answer.json<{ code: FaultCode }>().code]
  }
  return { call, asked, discarded }
}

test('[C6, C11, C17, AL-34] an answer without a state, or fetched ahead of time, asks for no launch', async t => {
  const { call, asked } = await build(t)
  assert.deepEqual(await call('code=c'), [400, 'state_missing'])
  assert.deepEqual(await call('error=access_denied'), [400, 'answer_unbound'])
  assert.deepEqual(await call('code=c&state=state', { 'sec-purpose': 'prefetch' }), [
    400,
    'prefetch_refused',
  ])
  assert.deepEqual(asked, { redeemed: 0, recalled: 0, exchanged: 0 })
})

test('[C2] a launch at an EHR that is registered no longer is refused', async t => {
  const { call, asked } = await build(t, { redeemed: { ehr: 'gone' } })
  assert.deepEqual(await call(), [400, 'state_invalid'])
  assert.deepEqual(asked, { redeemed: 1, recalled: 0, exchanged: 0 })
})

test('[C2] an answer at another redirect URI than its launch’s is refused, and no code goes anywhere', async t => {
  const { call, asked } = await build(t, { redeemed: { redirectUri: `${publicUrl}/redirect/x` } })
  assert.deepEqual(await call(), [400, 'issuer_mismatch'])
  assert.deepEqual(asked, { redeemed: 1, recalled: 0, exchanged: 0 })
})

test('[C5] what the EHR denies is told to the app, and nothing is exchanged for it', async t => {
  const { call, asked } = await build(t)
  const denied = await call('error=access_denied&state=state')
  assert.deepEqual(denied, [303, `${publicUrl}/?error=access_denied`])
  assert.deepEqual(asked, { redeemed: 1, recalled: 0, exchanged: 0 })
})

test('[C2] registrations that nothing tells apart at their redirect URI are refused at the start', async t => {
  const registrations = ['general', 'other'].map(id => buildRegistration({ id }))
  await assert.rejects(build(t, { registrations }), /registrations\[0\]\.redirectUri: shares its/)
})

test('[GU7] a host that takes no login over needs tickets, and is told so', async t => {
  await assert.rejects(build(t, { onLogin: undefined }), {
    message: 'fhirstorm-callback: options.onLogin is missing, and so is fhirstorm-tickets',
  })
})

test('[C16] a login that is over leads to its session, for whoever has it; every other refusal stays', async t => {
  const outcome = async (redeemed: Error, live?: string[]) => {
    const { call, asked } = await build(t, { redeemed, live })
    return [...(await call()), asked.recalled]
  }
  for (const code of ['state_used', 'state_expired', 'cookie_missing'] as const) {
    const over = new BrokerError(code)
    assert.deepEqual(await outcome(over, [session]), [303, landing.location, 1])
    for (const live of [[], ['T'.repeat(22)]]) {
      assert.deepEqual(await outcome(over, live), [400, 'state_used', 1], code)
    }
    for (const options of [{}, { live: [], onLogin: async () => undefined }]) {
      const { call } = await build(t, { redeemed: over, ...options })
      assert.deepEqual(await call(), [303, landing.location], 'a host keeps its own')
    }
  }
  const invalid = new BrokerError('state_invalid')
  assert.deepEqual(await outcome(invalid, [session]), [400, 'state_invalid', 0])
  const down = new BrokerError('vault_unavailable')
  assert.deepEqual(await outcome(down, [session]), [503, 'vault_unavailable', 0])
  const mistake = Object.assign(new Error('a mistake'), { code: 'state_used' })
  assert.deepEqual(await outcome(mistake, [session]), [500, 'state_used', 0])
})

test('[L22] a launch that made room for others is told so where its cookie is gone, and no other is', async t => {
  for (const [code, told] of [
    ['cookie_missing', 'too_many_launches'],
    ['state_used', 'state_used'],
    ['state_expired', 'state_expired'],
  ] as const) {
    const redeemed = new BrokerError(code)
    const crowded = await build(t, { redeemed, isForgotten: true, perBrowser: 1 })
    assert.deepEqual(await crowded.call(), [400, told])
    const roomy = await build(t, { redeemed, isForgotten: true, perBrowser: 2 })
    assert.deepEqual(await roomy.call(), [400, code])
  }
})

test('[T14] a login that cannot be told of is undone, and its tokens go back where that fails too', async t => {
  for (const isAway of [false, true]) {
    let undone = 0
    const undo = async () => {
      undone++
      if (isAway) throw new BrokerError('vault_unavailable')
    }
    const handedOver = { session, undo }
    const redeemed = { redirectUri: `${publicUrl}/redirect` }
    const { call, discarded } = await build(t, {
      ...{ isLandless: true, redeemed, onLogin: async () => handedOver },
    })
    assert.deepEqual(await call(), [503, 'vault_unavailable'])
    assert.equal(undone, 1)
    assert.deepEqual(discarded, ['access-1'], `the vault is ${isAway ? 'away' : 'back'}`)
  }
})
