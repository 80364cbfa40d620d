import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BrokerError } from '../../src/errors.ts'
import { createAdmission } from '../../src/exchange/admission.ts'
import { createAvailability } from '../../src/exchange/availability.ts'
import { createBreaker } from '../../src/exchange/breaker.ts'

function createWorld() {
  const world = { now: 0 }
  const breaker = createBreaker({ failures: 3, pauseMs: 1_000 }, () => world.now)
  const fail = (times: number, ehr = 'one') => {
    for (let i = 0; i < times; i++) breaker.note(ehr, false)
  }
  return { world, breaker, fail }
}

test('[LM1] after so many failures in a row nothing is sent, then one is tried at a time', () => {
  const { world, breaker, fail } = createWorld()
  fail(2)
  assert.equal(breaker.restOf('one'), 0)
  fail(1)
  assert.equal(breaker.restOf('one'), 1_000)
  world.now = 400
  assert.equal(breaker.restOf('one'), 600)
  world.now = 1_000
  assert.equal(breaker.restOf('one'), 0, 'the one that is tried')
  assert.equal(breaker.restOf('one'), 1_000, 'whoever comes while it is under way')
  fail(1)
  world.now = 2_000
  assert.equal(breaker.restOf('one'), 0)
  breaker.note('one', true)
  assert.equal(breaker.restOf('one'), 0)
  fail(2)
  assert.equal(breaker.restOf('one'), 0, 'counted anew')
})

test('[LM1] an answer between counts anew, and another EHR is another matter', () => {
  const { breaker, fail } = createWorld()
  fail(2)
  breaker.note('one', true)
  fail(2)
  assert.equal(breaker.restOf('one'), 0)
  fail(9, 'two')
  assert.ok(breaker.restOf('two') > 0)
  assert.equal(breaker.restOf('one'), 0)
})

test('[LM1] what was sent before and fails late keeps nobody out for longer', () => {
  const { world, breaker, fail } = createWorld()
  fail(3)
  world.now = 900
  fail(50)
  world.now = 1_000
  assert.equal(breaker.restOf('one'), 0)
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
    admission.noteRefusal('one', silence)
    assert.equal(isResting(), expected)
  }
  admission.noteRefusal('one', new BrokerError('path_invalid'))
  assert.equal(isResting(), true)
  admission.noteAnswer('one')
  assert.equal(isResting(), false)
})
