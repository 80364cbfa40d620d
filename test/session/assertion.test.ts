// What is stated about a session for an app's own API: whose it is, for whom, how long, by which key; kept for
// half its life and no longer, and signed once however many ask.

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { createLocalJWKSet, decodeProtectedHeader, jwtVerify } from 'jose'
import { addKey, promoteKeys, retireKeys } from '../../src/key-rotation.ts'
import { beginEpoch, type KeyRing, makeKeyRing } from '../../src/keys.ts'
import { createAssertions } from '../../src/session/assertion.ts'
import type { OpenSession } from '../../src/session/session.ts'
import { buildSigningKeySet, deriveSigningKeys } from '../../src/signing-keys.ts'
import type { TokenSet } from '../../src/smart/types.ts'
import { buildStore, buildTokens, type Clock, createClock, HOUR, ISS } from './sessions.ts'

const ISSUER = 'https://app.example.org'
const NOTES = { id: 'notes', audience: 'https://notes.example.org' }
const OTHER = { id: 'other', audience: 'https://other.example.org' }

async function open(clock: Clock, overrides: Partial<TokenSet> = {}): Promise<OpenSession> {
  const { store } = buildStore({ clock })
  return await store.begin(ISS, buildTokens(clock.now(), overrides), 'B'.repeat(22), 'general')
}

function assertionsBy(ring: KeyRing, clock: Clock) {
  return createAssertions({
    signingKeys: deriveSigningKeys(ring, 'api assertion'),
    ...{ issuer: ISSUER, now: clock.now, moveFhirUser: () => `${ISSUER}/fhir/Practitioner/1` },
  })
}

async function read(text: string, ring: KeyRing, clock: Clock, audience = NOTES.audience) {
  const set = createLocalJWKSet(buildSigningKeySet(deriveSigningKeys(ring, 'api assertion')))
  const currentDate = new Date(clock.now())
  return await jwtVerify(text, set, {
    ...{ issuer: ISSUER, audience, algorithms: ['ES256'], currentDate },
  })
}

test('[VE1] an assertion says who, which patient and which session, for one audience and a minute', async () => {
  const clock = createClock()
  const ring = makeKeyRing(clock.now(), randomBytes)
  const session = await open(clock)
  const text = await assertionsBy(ring, clock)(session, NOTES)
  const { payload, protectedHeader } = await read(text, ring, clock)
  const iat = clock.now() / 1000
  assert.deepEqual(payload, {
    ...{ iss: ISSUER, aud: NOTES.audience, sub: 'doctor', iat, exp: iat + 60 },
    ...{ sid: session.session.id, ehr: 'general', scope: 'patient/*.rs', patient: 'amy' },
    fhirUser: `${ISSUER}/fhir/Practitioner/1`,
  })
  assert.equal(protectedHeader.alg, 'ES256')
  await assert.rejects(read(text, ring, clock, OTHER.audience), {
    code: 'ERR_JWT_CLAIM_VALIDATION_FAILED',
  })
  clock.pass(60_000)
  await assert.rejects(read(text, ring, clock), { code: 'ERR_JWT_EXPIRED' })
})

test('[VE1] where the EHR names no user, the session itself is the subject', async () => {
  const clock = createClock()
  const ring = makeKeyRing(clock.now(), randomBytes)
  const session = await open(clock, { identity: undefined })
  const { payload } = await read(await assertionsBy(ring, clock)(session, NOTES), ring, clock)
  assert.equal(payload.sub, `session:${session.session.id}`)
})

test('[VE3] kept for half a minute, per session and API; a session that was renewed is stated anew', async () => {
  const clock = createClock()
  const assertionOf = assertionsBy(makeKeyRing(clock.now(), randomBytes), clock)
  const [session, another] = await Promise.all([open(clock), open(clock)])
  const first = await assertionOf(session, NOTES)
  clock.pass(29_999)
  assert.equal(await assertionOf(session, NOTES), first)
  assert.notEqual(await assertionOf(another, NOTES), first)
  assert.notEqual(await assertionOf(session, OTHER), first)
  const renewed = { ...session, generation: session.generation + 1 }
  const anew = await assertionOf(renewed, NOTES)
  assert.notEqual(anew, first)
  assert.equal(await assertionOf(renewed, NOTES), anew)
  clock.pass(30_000)
  assert.notEqual(await assertionOf(renewed, NOTES), anew)
})

test('[VE3] a clock that is set back: what was stated in its future is stated anew', async () => {
  const clock = createClock()
  const ring = makeKeyRing(clock.now(), randomBytes)
  const session = await open(clock)
  const assertionOf = assertionsBy(ring, clock)
  await assertionOf(session, NOTES)
  clock.pass(-HOUR)
  const { payload } = await read(await assertionOf(session, NOTES), ring, clock)
  assert.equal(payload.exp, clock.now() / 1000 + 60)
})

test('[VE3] many requests at once cost one signature, and one that fails is not kept', async () => {
  const clock = createClock()
  const ring = makeKeyRing(clock.now(), randomBytes)
  let signed = 0
  let fails = true
  const assertionOf = createAssertions({
    signingKeys: deriveSigningKeys(ring, 'api assertion'),
    ...{ issuer: ISSUER, now: clock.now },
    moveFhirUser() {
      signed++
      if (fails) throw new Error('no address')
      return undefined
    },
  })
  const session = await open(clock)
  const many = () => Array.from({ length: 50 }, async () => await assertionOf(session, NOTES))
  const refused = await Promise.allSettled(many())
  assert.ok(refused.every(({ status }) => status === 'rejected'))
  fails = false
  signed = 0
  const texts = await Promise.all(many())
  assert.deepEqual([new Set(texts).size, signed], [1, 1])
})

test('[VE3] through a rotation of keys every assertion is read by what was published before it', async () => {
  const clock = createClock()
  const ring = makeKeyRing(clock.now(), randomBytes)
  const session = await open(clock)
  const sign = async (by: KeyRing) => await assertionsBy(by, clock)(session, NOTES)
  const added = addKey(ring, clock.now(), randomBytes)
  const old = await sign(ring)
  assert.equal(decodeProtectedHeader(await sign(added)).kid, decodeProtectedHeader(old).kid)
  clock.pass(HOUR)
  const promoted = promoteKeys(added, clock.now())
  const fresh = await sign(promoted)
  assert.notEqual(decodeProtectedHeader(fresh).kid, decodeProtectedHeader(old).kid)
  // A verifier that fetched the keys before the promotion knows the new one, and the other way round.
  await read(fresh, added, clock)
  await read(await sign(added), promoted, clock)
  clock.pass(20 * HOUR)
  const retired = retireKeys(promoted, { now: clock.now(), keepMs: 12 * HOUR })
  await read(await sign(promoted), retired, clock)
  await assert.rejects(read(await sign(ring), retired, clock), { code: 'ERR_JWKS_NO_MATCHING_KEY' })
  // A new epoch voids the keys too; and no other purpose has them.
  await assert.rejects(read(await sign(beginEpoch(ring)), ring, clock), {
    code: 'ERR_JWKS_NO_MATCHING_KEY',
  })
  const facade = deriveSigningKeys(ring, 'facade id token').map(({ kid }) => kid)
  assert.ok(!facade.includes(decodeProtectedHeader(old).kid ?? ''))
})
