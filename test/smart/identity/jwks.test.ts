import assert from 'node:assert/strict'
import { test } from 'node:test'
import { exportJWK, generateKeyPair, type JWK, jwtVerify, SignJWT } from 'jose'
import { BrokerError } from '../../../src/errors.ts'
import { createKeySet, createKeySets } from '../../../src/smart/identity/jwks.ts'
import { buildRegistration } from '../registration.ts'
import { createStubEhr, type StubAnswer } from '../stub-ehr.ts'

const URI = 'https://ehr.test/keys'

async function createSigner(kid?: string) {
  const { privateKey, publicKey } = await generateKeyPair('ES384')
  const jwk: JWK = { ...(await exportJWK(publicKey)), kid }
  const sign = (as = kid) =>
    new SignJWT({}).setProtectedHeader({ alg: 'ES384', kid: as }).setSubject('x').sign(privateKey)
  return { jwk, sign }
}

const one = await createSigner('one')
const two = await createSigner('two')

/** A key set over one address whose answer a test may change; time stands still unless moved. */
function createWorld(answer: StubAnswer) {
  const world = { time: 0, answer }
  const ehr = createStubEhr({ [URI]: () => world.answer })
  const keys = createKeySet(URI, { fetch: ehr.fetch, now: () => world.time })
  const verify = async (token: string) => {
    try {
      return (await jwtVerify(token, keys)).payload.sub
    } catch (error) {
      return (error as { code?: string }).code
    }
  }
  return Object.assign(world, { ehr, verify })
}

const NO_KEY = 'ERR_JWKS_NO_MATCHING_KEY'

test('[I10, SC-38] fetches the keys once, under a cap and a deadline', async () => {
  const world = createWorld({ body: { keys: [one.jwk] } })
  for (let i = 0; i < 20; i++) assert.equal(await world.verify(await one.sign()), 'x')
  assert.equal(world.ehr.asked.length, 1)
  assert.deepEqual(world.ehr.asked[0]?.request, {
    headers: { accept: 'application/json' },
    maxBytes: 512 * 1024,
    timeoutMs: 5000,
    follows: true,
    badAnswer: 'bad_jwks',
  })
})

test('[I8] fetches at most once more for ten thousand tokens of unknown keys', async () => {
  const world = createWorld({ body: { keys: [one.jwk] } })
  assert.equal(await world.verify(await one.sign()), 'x')
  const token = await two.sign()
  for (let i = 0; i < 10_000; i++) assert.notEqual(await world.verify(token), 'x')
  assert.ok(world.ehr.asked.length <= 2)
  assert.equal(await world.verify(await one.sign()), 'x')
})

test('[I9, SC-38, Q39] accepts a key that appeared right after a fetch, once in thirty seconds', async t => {
  t.mock.timers.enable({ apis: ['Date'], now: 1_000_000 })
  const world = createWorld({ body: { keys: [one.jwk] } })
  assert.equal(await world.verify(await two.sign()), NO_KEY)
  world.answer = { body: { keys: [two.jwk] } }
  const verified = await Promise.all(
    Array.from({ length: 20 }, async () => await world.verify(await two.sign())),
  )
  assert.deepEqual(new Set(verified), new Set(['x']))
  assert.equal(world.ehr.asked.length, 2)
  world.answer = { body: { keys: [one.jwk, two.jwk] } }
  for (let i = 0; i < 100; i++) assert.equal(await world.verify(await one.sign()), 'issuer_busy')
  assert.equal(world.ehr.asked.length, 2)
  t.mock.timers.tick(30_000)
  assert.equal(await world.verify(await one.sign()), 'x')
  assert.equal(world.ehr.asked.length, 3)
})

test('[SC-38, I11] a key without a name is a key for a token whose own name is not there', async () => {
  const nameless = await createSigner()
  const spellings = [nameless.jwk, { ...nameless.jwk, kid: '' }, { ...nameless.jwk, kid: null }]
  for (const jwk of spellings) {
    const world = createWorld({ body: { keys: [two.jwk, jwk] } })
    assert.equal(await world.verify(await nameless.sign('unpublished')), 'x')
    assert.equal(await world.verify(await two.sign()), 'x')
    assert.equal(await world.verify(await one.sign()), 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED')
  }
  const named = createWorld({ body: { keys: [{ ...nameless.jwk, kid: 'other' }] } })
  assert.equal(await named.verify(await nameless.sign('unpublished')), NO_KEY)
})

test('[I8] a token that several keys could have signed fetches nothing again', async () => {
  const [first, second] = [await createSigner(), await createSigner()]
  const world = createWorld({ body: { keys: [first.jwk, second.jwk] } })
  for (let i = 0; i < 3; i++) {
    assert.equal(await world.verify(await first.sign()), 'ERR_JWKS_MULTIPLE_MATCHING_KEYS')
  }
  assert.equal(world.ehr.asked.length, 1)
})

test('[I10, L9] refuses what is no key set, and sets of more than a hundred keys', async () => {
  const many = { keys: Array.from({ length: 101 }, () => one.jwk) }
  for (const body of [
    '<html/>',
    '',
    '{',
    '[]',
    {},
    { keys: {} },
    { keys: 'x' },
    { keys: [1] },
    many,
  ]) {
    const world = createWorld({ body })
    assert.equal(
      await world.verify(await one.sign()),
      'bad_jwks',
      JSON.stringify(body).slice(0, 40),
    )
  }
  assert.equal(await createWorld({ status: 404 }).verify(await one.sign()), 'bad_jwks')
  for (const status of [201, 304, 400, 404]) {
    const world = createWorld({ status, body: { keys: [one.jwk] } })
    assert.equal(await world.verify(await one.sign()), 'bad_jwks', `${status}`)
  }
  for (const status of [429, 500, 503]) {
    const world = createWorld({ status, body: { keys: [one.jwk] } })
    assert.equal(await world.verify(await one.sign()), 'issuer_busy', `${status}`)
  }
})

test('[I11] finds no key in shared secrets, keys for encryption, or another algorithm', async () => {
  const secret: JWK = { kty: 'oct', k: 'aHVudGVyMg', kid: 'one', alg: 'HS256' }
  for (const jwk of [
    secret,
    { ...one.jwk, use: 'enc' },
    { ...one.jwk, key_ops: ['sign'] },
    { ...one.jwk, alg: 'ES256' },
  ]) {
    const world = createWorld({ body: { keys: [jwk] } })
    assert.equal(await world.verify(await one.sign()), NO_KEY)
  }
})

test('[Q31, SC-38] members of a key that are null or empty say nothing', async () => {
  for (const silent of [null, '', []]) {
    const jwk = {
      ...one.jwk,
      ...{ alg: silent, use: silent, key_ops: silent, ext: silent, oth: silent },
      ...{ x5c: silent, x5t: silent, x5u: silent, 'x5t#S256': silent },
      ...{ n: silent, e: silent, d: silent, p: silent, q: silent, k: silent },
    }
    const world = createWorld({ body: { keys: [jwk] } })
    assert.equal(await world.verify(await one.sign()), 'x', JSON.stringify(silent))
  }
})

test('[I15] serves the last good keys while the EHR is down, for a day at most', async t => {
  t.mock.timers.enable({ apis: ['Date'], now: 1_000_000 })
  const world = createWorld({ body: { keys: [one.jwk] } })
  assert.equal(await world.verify(await one.sign()), 'x')
  const pass = (ms: number) => {
    t.mock.timers.tick(ms)
    world.time += ms
  }
  world.answer = { error: new BrokerError('issuer_unreachable') }
  for (const hours of [1, 10, 12]) {
    pass(hours * 3_600_000)
    assert.equal(await world.verify(await one.sign()), 'x')
  }
  pass(2 * 3_600_000)
  assert.equal(await world.verify(await one.sign()), 'issuer_unreachable')
  world.answer = { body: { keys: [one.jwk] } }
  pass(10_000)
  assert.equal(await world.verify(await one.sign()), 'x')
})

test('asks an EHR that could not serve its keys again only after ten seconds', async () => {
  const world = createWorld({ status: 500 })
  for (let i = 0; i < 10; i++) assert.equal(await world.verify(await one.sign()), 'issuer_busy')
  assert.equal(world.ehr.asked.length, 1)
  world.answer = { body: { keys: [one.jwk] } }
  world.time += 10_000
  assert.equal(await world.verify(await one.sign()), 'x')
})

test('[I15] a clock that is set back makes no rest after a failure longer', async () => {
  const world = createWorld({ status: 503 })
  const token = await one.sign()
  assert.equal(await world.verify(token), 'issuer_busy')
  world.time -= 3_600_000
  world.answer = { body: { keys: [one.jwk] } }
  assert.equal(await world.verify(token), 'x')
})

test("[I12] keeps each registration's keys apart, and follows a jwks_uri that moves", async () => {
  const ehr = createStubEhr({
    'https://a.test/keys': { body: { keys: [one.jwk] } },
    'https://b.test/keys': { body: { keys: [two.jwk] } },
  })
  const keySets = createKeySets(() => ({ fetch: ehr.fetch, now: () => 0 }))
  const [a, b] = [buildRegistration({ id: 'a' }), buildRegistration({ id: 'b' })]
  const keysOfA = keySets(a, 'https://a.test/keys')
  assert.equal(keySets(a, 'https://a.test/keys'), keysOfA)
  await jwtVerify(await one.sign(), keysOfA)
  await assert.rejects(jwtVerify(await one.sign(), keySets(b, 'https://b.test/keys')))
  assert.notEqual(keySets(b, 'https://a.test/keys'), keysOfA)
  await jwtVerify(await two.sign(), keySets(a, 'https://b.test/keys'))
})
