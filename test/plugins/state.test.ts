import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import Fastify from 'fastify'
import fp from 'fastify-plugin'
import cookies, { type Cookies } from '../../plugins/cookies.ts'
import state, { type State, type StateOptions } from '../../plugins/state.ts'
import type { LaunchMaterial } from '../../src/smart/types.ts'
import type { Vault } from '../../src/vault/vault.ts'

const start = 1_800_000_000_000

const material: LaunchMaterial = {
  ehr: 'general',
  kind: 'ehr',
  iss: 'https://ehr.test/fhir/r4',
  codeVerifier: 'v'.repeat(43),
  nonce: 'n'.repeat(22),
  returnTo: '/chart?tab=1',
  redirectUri: 'https://app.test/redirect',
}

/** Seals by remembering: what it gave out opens, for its purpose alone. */
function rememberSealed(): Pick<Cookies, 'seal' | 'open'> {
  const sealed = new Map<string, { purpose: string; data: Record<string, string> }>()
  return {
    seal(purpose, data) {
      const text = randomBytes(16).toString('hex')
      sealed.set(text, { purpose, data })
      return text
    },
    open: (purpose, text) =>
      sealed.get(text)?.purpose === purpose ? sealed.get(text)?.data : undefined,
  }
}

interface StoredLaunches extends Pick<Vault, 'take' | 'deposit' | 'withdraw'> {
  taken: Set<string>
  deposits: Map<string, string>
}

function storeLaunches(): StoredLaunches {
  const taken = new Set<string>()
  const deposits = new Map<string, string>()
  return {
    taken,
    deposits,
    async take(key) {
      if (taken.has(key)) return false
      taken.add(key)
      return true
    },
    async deposit(key, value) {
      deposits.set(key, value)
    },
    async withdraw(key) {
      const value = deposits.get(key)
      deposits.delete(key)
      return value
    },
  }
}

async function build(t: TestContext, overrides: Partial<StateOptions> = {}) {
  const clock = { now: start }
  const vault = storeLaunches()
  const sealing = rememberSealed()
  const app = Fastify()
  t.after(() => app.close())
  await app.register(
    fp(async instance => {
      instance.decorate('smartCookies', sealing as Cookies)
      instance.decorate('smartVault', vault as unknown as Vault)
    }),
  )
  const options = {
    mode: 'signed',
    keys: [Buffer.alloc(32, 1)],
    audience: 'https://app.test',
    now: () => clock.now,
    randomBytes,
    ...overrides,
  } as const
  await app.register(state, options)
  return { state: app.smartState, clock, vault, cookies: sealing }
}

async function refuse(state: State, answer: Parameters<State['redeem']>[0], code: string) {
  await assert.rejects(state.redeem(answer), { code })
}

for (const mode of ['signed', 'opaque'] as const) {
  test(`${mode}: the launch comes back whole, with the id that names its cookie`, async t => {
    const { state } = await build(t, { mode })
    const issued = await state.issue(material)
    const redeemed = await state.redeem({ state: issued.state, cookie: issued.cookie })
    assert.deepEqual(redeemed, issued.pending)
    assert.deepEqual({ ...redeemed, ...material }, redeemed)
    assert.equal(redeemed.expiresAt, start + 600_000)
  })

  test(`${mode}: a launch without a nonce stays without one`, async t => {
    const { state } = await build(t, { mode })
    const issued = await state.issue({ ...material, nonce: undefined })
    const redeemed = await state.redeem({ state: issued.state, cookie: issued.cookie })
    assert.equal(redeemed.nonce, undefined)
  })

  test(`[AL-04, AL-34, S1] ${mode}: refuses a missing, random or altered state`, async t => {
    const { state, vault } = await build(t, { mode })
    const { state: text, cookie } = await state.issue(material)
    await refuse(state, { state: undefined, cookie }, 'state_missing')
    await refuse(state, { state: '', cookie }, 'state_missing')
    for (const bad of [
      'x',
      `${text}A`,
      text.slice(1),
      text.toUpperCase(),
      '\u0000',
      text.repeat(99),
    ]) {
      await assert.rejects(state.redeem({ state: bad, cookie }), (error: { code: string }) =>
        ['state_invalid', 'cookie_missing'].includes(error.code),
      )
    }
    assert.equal(vault.taken.size, 0, 'nothing was burnt')
  })

  test(`[S3, S4] ${mode}: of fifty parallel callbacks one gets the launch`, async t => {
    const { state } = await build(t, { mode })
    const { state: text, cookie } = await state.issue(material)
    const results = await Promise.allSettled(
      Array.from({ length: 50 }, () => state.redeem({ state: text, cookie })),
    )
    assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 1)
    for (const result of results) {
      if (result.status === 'rejected') assert.equal(result.reason.code, 'state_used')
    }
    await refuse(state, { state: text, cookie }, 'state_used')
  })

  test(`[AL-35, S5] ${mode}: another browser cannot use a state, nor burn it`, async t => {
    const { state } = await build(t, { mode })
    const mine = await state.issue(material)
    const theirs = await state.issue({ ...material, ehr: 'other' })
    for (const cookie of [undefined, '', 'junk', theirs.cookie]) {
      await refuse(state, { state: mine.state, cookie }, 'cookie_missing')
    }
    const redeemed = await state.redeem({ state: mine.state, cookie: mine.cookie })
    assert.equal(redeemed.ehr, 'general')
  })

  test(`[S2] ${mode}: a launch is over after ten minutes`, async t => {
    const { state, clock } = await build(t, { mode })
    const { state: text, cookie } = await state.issue(material)
    clock.now += 600_000
    await refuse(state, { state: text, cookie }, 'state_expired')
  })

  test(`${mode}: a ticket is no launch cookie`, async t => {
    const { state, cookies: sealing } = await build(t, { mode })
    const { state: text, pending } = await state.issue(material)
    const { launchId } = pending
    const ticket = sealing.seal('ticket', { launchId, secret: 'x', expiresAt: '9'.repeat(13) })
    await refuse(state, { state: text, cookie: ticket }, 'cookie_missing')
  })

  test(`[AL-02, AL-24] ${mode}: ten thousand launches, each state from 128 random bits or more`, async t => {
    let asked = 0
    const counting = (size: number) => {
      asked = Math.max(asked, size)
      return randomBytes(size)
    }
    const { state } = await build(t, { mode, randomBytes: counting })
    const states = new Set<string>()
    for (let i = 0; i < 10_000; i++) states.add((await state.issue(material)).state)
    assert.equal(states.size, 10_000)
    assert.ok(asked >= 16)
  })
}

test('[S10] signed: nothing of the launch is in the state', async t => {
  const { state, vault } = await build(t)
  const { state: text, cookie } = await state.issue(material)
  const readable = Buffer.from(text.split('.')[1] ?? '', 'base64url').toString()
  for (const value of ['general', 'ehr.test', 'chart', 'vvvv']) {
    assert.ok(!readable.includes(value) && !text.includes(value))
  }
  await state.redeem({ state: text, cookie })
  assert.deepEqual([vault.taken.size, vault.deposits.size], [1, 0])
})

for (const mode of ['signed', 'opaque'] as const) {
  test(`[S10, S12] ${mode}: the vault alone tells nothing, and a lost deposit starts again`, async t => {
    const { state, vault, cookies: sealing } = await build(t, { mode })
    const lost = await state.issue(material)
    const [deposit = ''] = vault.deposits.values()
    assert.ok(!Buffer.from(deposit, 'base64url').toString('latin1').includes('ehr.test'))
    assert.ok(!JSON.stringify(sealing.open('launch', lost.cookie)).includes('ehr.test'))
    vault.deposits.clear()
    await refuse(state, { state: lost.state, cookie: lost.cookie }, 'state_expired')
  })

  test(`[C16] ${mode}: where a launch has led is known by its state alone, and the vault tells nothing of it`, async t => {
    const { state, vault } = await build(t, { mode })
    const [mine, other] = [await state.issue(material), await state.issue(material)]
    const landing = {
      ehr: 'general',
      kind: 'ehr',
      session: 'a'.repeat(22),
      location: '/chart',
    } as const
    await state.remember(mine.state, landing)
    for (let i = 0; i < 3; i++) assert.deepEqual(await state.recall(mine.state), landing)
    assert.equal(await state.recall(other.state), undefined)
    for (const [key, value] of vault.deposits) {
      const text = key + Buffer.from(value, 'base64url').toString('latin1')
      assert.doesNotMatch(text, /chart|general|aaaa/)
    }
  })
}

test('[C16] where a launch has led is known to all who come back for it at once', async t => {
  // A browser that opens its tabs again visits each of them at the same time.
  const { state, vault } = await build(t)
  const { state: text } = await state.issue(material)
  const landing = { ehr: 'general', kind: 'ehr', session: 'a'.repeat(22), location: '/' } as const
  await state.remember(text, landing)
  const { deposit } = vault
  vault.deposit = async (...given) => {
    await new Promise(done => setImmediate(done))
    await deposit(...given)
  }
  const known = await Promise.all(Array.from({ length: 8 }, () => state.recall(text)))
  assert.deepEqual(known, Array(8).fill(landing))
})

test('[S2] opaque: the end of a launch lies in its cookie, out of reach of who writes the vault', async t => {
  const { state, vault, clock } = await build(t, { mode: 'opaque' })
  const { state: text, cookie } = await state.issue(material)
  assert.equal(vault.deposits.size, 1)
  clock.now += 600_000
  // This vault keeps its deposits for ever.
  await refuse(state, { state: text, cookie }, 'state_expired')
  assert.equal(vault.deposits.size, 1)
  assert.equal(vault.taken.size, 0)
})

test('opaque: a deposit that was swapped in the vault opens for nobody', async t => {
  const { state, vault } = await build(t, { mode: 'opaque' })
  const mine = await state.issue(material)
  const theirs = await state.issue({ ...material, ehr: 'other' })
  const swapped = vault.deposits.get(theirs.pending.launchId) ?? ''
  vault.deposits.set(mine.pending.launchId, swapped)
  await refuse(state, { state: mine.state, cookie: mine.cookie }, 'state_invalid')
})

test('[S11] signed: a state survives the rotation of its key while the old one is kept', async t => {
  const old = Buffer.alloc(32, 1)
  const before = await build(t, { keys: [old] })
  const { state: text } = await before.state.issue(material)
  const kept = await build(t, { keys: [Buffer.alloc(32, 2), old] })
  const removed = await build(t, { keys: [Buffer.alloc(32, 2)] })
  await refuse(kept.state, { state: text, cookie: undefined }, 'cookie_missing')
  await refuse(removed.state, { state: text, cookie: undefined }, 'state_invalid')
})

test('[L22] signed: five launches leave room for eight tickets in 4 KiB of cookies, wherever they return to', async t => {
  const app = Fastify()
  t.after(() => app.close())
  await app.register(cookies, {
    secure: true,
    ticketSameSite: 'strict',
    keys: { ticket: [randomBytes(32)], launch: [randomBytes(32)] },
    lifetimes: { ticket: 43_200, launch: 600 },
  })
  app.decorate('smartVault', storeLaunches() as unknown as Vault)
  const { smartCookies } = app
  await app.register(state, {
    mode: 'signed',
    keys: [randomBytes(32)],
    audience: 'https://app.test',
    now: Date.now,
    randomBytes,
  })
  const pairs: string[] = []
  for (let i = 0; i < 5; i++) {
    const returnTo = `/?${'x'.repeat(500)}`
    const iss = 'https://fhir.hospital.example.org:443/interconnect/api/FHIR/R4/'
    const { pending, cookie } = await app.smartState.issue({ ...material, iss, returnTo })
    pairs.push(`${smartCookies.names.launch(pending.launchId)}=${cookie}`)
  }
  for (let i = 0; i < 8; i++) {
    const id = randomBytes(16).toString('base64url')
    const ticket = { id, secret: randomBytes(32).toString('base64url') }
    pairs.push(`${smartCookies.names.ticket(id)}=${smartCookies.seal('ticket', ticket)}`)
  }
  assert.ok(pairs.join('; ').length < 4096, `${pairs.join('; ').length}`)
})

test('the key of signed states must be there, and each key whole', async t => {
  await assert.rejects(build(t, { keys: [] }), /need a key/)
  await assert.rejects(build(t, { keys: [Buffer.alloc(32), Buffer.alloc(31)] }), /32 bytes/)
  await build(t, { mode: 'opaque', keys: [] })
})
