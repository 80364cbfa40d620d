import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BrokerError } from '../../src/errors.ts'
import { createAdmission } from '../../src/exchange/admission.ts'
import { createAvailability } from '../../src/exchange/availability.ts'
import { createBreaker } from '../../src/exchange/breaker.ts'

function createWorld() {
  const world = { now: 0 }
  const breaker = createBreaker({ failures: 3, pauseMs: 1_000 }, () => world.now)
  const fail = (times: number, ehr = 'one', since = world.now) => {
    for (let i = 0; i < times; i++) breaker.noteSilence(ehr, since)
  }
  let count = 0
  /** Of a user of their own, unless told. */
  const restOf = (ehr: string, user = `user ${++count}`) => breaker.restOf(ehr, world.now, user)
  return { world, breaker, fail, restOf }
}

test('[LM1] after so many failures in a row nothing is sent, then one is tried at a time', () => {
  const { world, breaker, fail, restOf } = createWorld()
  fail(2)
  assert.equal(restOf('one'), 0)
  fail(1)
  assert.equal(restOf('one'), 1_000)
  world.now = 400
  assert.equal(restOf('one'), 600)
  world.now = 1_000
  assert.equal(restOf('one'), 0, 'the one that is tried')
  assert.equal(restOf('one'), 1_000, 'whoever comes while it is under way')
  fail(1)
  world.now = 2_000
  assert.equal(restOf('one'), 0)
  breaker.noteAnswer('one')
  assert.equal(restOf('one'), 0)
  fail(2)
  assert.equal(restOf('one'), 0, 'counted anew')
})

test('[LM1] an answer between counts anew, and another EHR is another matter', () => {
  const { breaker, fail, restOf } = createWorld()
  fail(2)
  breaker.noteAnswer('one')
  fail(2)
  assert.equal(restOf('one'), 0)
  fail(9, 'two')
  assert.ok(restOf('two') > 0)
  assert.equal(restOf('one'), 0)
})

test('[LM1] silence of what began before the last answer is no word about now', () => {
  const { world, breaker, fail, restOf } = createWorld()
  world.now = 60_000
  breaker.noteAnswer('one')
  world.now = 60_010
  fail(50, 'one', 0)
  assert.equal(restOf('one'), 0)
  fail(3)
  assert.equal(restOf('one'), 1_000)
})

test('[LM1] who says nothing of the EHR keeps nobody else from trying', () => {
  const { world, breaker, fail, restOf } = createWorld()
  fail(3)
  world.now = 1_000
  assert.equal(restOf('one'), 0)
  world.now = 1_001
  breaker.noteNothing('one', 77)
  assert.equal(restOf('one'), 999, 'another request')
  breaker.noteNothing('one', 1_000)
  assert.equal(restOf('one'), 0, 'the one that was tried')
  assert.equal(restOf('one'), 1_000)
})

test('[LM1] users are tried in turn: whoever was tried waits until others were', () => {
  const { world, breaker, fail, restOf } = createWorld()
  fail(3)
  world.now = 1_000
  assert.equal(restOf('one', 'slow'), 0)
  assert.equal(restOf('one', 'slow'), 2_000, 'again')
  assert.equal(restOf('one', 'quick'), 1_000)
  world.now = 2_000
  assert.equal(restOf('one', 'slow'), 1_000)
  assert.equal(restOf('one', 'also slow'), 0)
  world.now = 3_000
  // Those two ask first and all the time.
  assert.equal(restOf('one', 'slow'), 1_000)
  assert.equal(restOf('one', 'also slow'), 1_000)
  assert.equal(restOf('one', 'quick'), 0)
  world.now = 5_000
  assert.equal(restOf('one', 'slow'), 0, 'nobody else came: a new round')
  world.now = 6_000
  assert.equal(restOf('one', 'also slow'), 0)
  world.now = 7_000
  assert.equal(restOf('one', 'quick'), 0)
  // What says nothing of the EHR makes room for another, and not for the same.
  breaker.noteNothing('one', 7_000)
  assert.equal(restOf('one', 'quick'), 1_000)
  assert.equal(restOf('one'), 0)
  breaker.noteAnswer('one')
  fail(3)
  world.now = 8_000
  assert.equal(restOf('one', 'slow'), 0, 'who was tried is forgotten with the answer')
})

test('[LM1] one user cannot have an EHR left in peace by being slow, or by what never reaches it', () => {
  const world = { now: 0 }
  const told: unknown[] = []
  const admission = createAdmission({
    perSecond: {},
    breaker: { failures: 2, pauseMs: 1_000 },
    ...{ now: () => world.now, tell: (...given) => void told.push(given) },
  })
  type Session = Parameters<typeof admission.admit>[0]
  let count = 0
  const nextSession = () => ({ ehr: 'one', id: String(++count), tokens: {} }) as Session
  const silence = new BrokerError('upstream_timeout')
  // The body never came as a whole.
  for (let i = 0; i < 9; i++) {
    admission.noteRefusal('one', admission.admit(nextSession()), silence, false)
  }
  // Others were answered while this waited.
  const since = admission.admit(nextSession())
  world.now = 60_000
  admission.noteEnd('one', admission.admit(nextSession()), true)
  for (let i = 0; i < 9; i++) admission.noteRefusal('one', since, silence, true)
  assert.deepEqual(told, [['one', true]])
  // Nobody was.
  for (let i = 0; i < 2; i++) admission.noteRefusal('one', 60_000, silence, true)
  assert.throws(() => admission.admit(nextSession()), { code: 'upstream_unreachable' })
  // What is tried and refused, or left, by us alone makes room for the next at once.
  world.now = 61_000
  admission.noteRefusal(
    'one',
    admission.admit(nextSession()),
    new BrokerError('body_invalid'),
    true,
  )
  admission.noteEnd('one', admission.admit(nextSession()), false)
  world.now = 61_001
  admission.admit(nextSession())
  assert.throws(() => admission.admit(nextSession()), { code: 'upstream_unreachable' })
})

test('[LM1] what was sent before and fails late keeps nobody out for longer', () => {
  const { world, fail, restOf } = createWorld()
  fail(3)
  world.now = 900
  fail(50)
  world.now = 1_000
  assert.equal(restOf('one'), 0)
})

test('[LM1, OB3] operators are told of an EHR that is left in peace, until it answers', () => {
  const availability = createAvailability(() => 0)
  const admission = createAdmission({
    perSecond: {},
    breaker: { failures: 3, pauseMs: 1_000 },
    ...{ now: () => 0, tell: availability.note },
  })
  const silence = new BrokerError('upstream_timeout')
  const isResting = () => availability.seen('one').isResting
  assert.equal(isResting(), false)
  for (const expected of [false, false, true, true]) {
    admission.noteRefusal('one', 0, silence, true)
    assert.equal(isResting(), expected)
  }
  admission.noteRefusal('one', 0, new BrokerError('path_invalid'), true)
  assert.equal(isResting(), true)
  admission.noteEnd('one', 0, true)
  assert.equal(isResting(), false)
})

test('[LM1, DS13] after a thousand users the next round begins, and nobody of the one before is known', () => {
  const { world, fail, restOf } = createWorld()
  fail(3)
  for (let i = 0; i < 1_000; i++) {
    world.now += 1_000
    assert.equal(restOf('one', `of this round ${i}`), 0)
  }
  world.now += 1_000
  assert.equal(restOf('one', 'of this round 0'), 1_000, 'waits, since there are others')
  assert.equal(restOf('one', 'the next one'), 0)
  world.now += 1_000
  assert.equal(restOf('one', 'of this round 0'), 0)
})
