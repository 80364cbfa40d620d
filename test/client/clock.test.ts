// The server's clock, whatever this computer's says.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createClock, readTime } from '../../client/clock.ts'

const at = Date.parse('2020-02-02T02:02:02.000Z')

test('goes on from the last answer, and a wrong clock of this computer does not matter', t => {
  t.mock.timers.enable({ apis: ['Date'], now: Date.parse('1999-01-01T00:00:00Z') })
  const clock = createClock()
  assert.equal(clock.now(), Date.parse('1999-01-01T00:00:00Z'))
  clock.observe(at)
  const first = clock.now()
  assert.ok(first >= at && first < at + 3_600_000)
  clock.observe(Number.NaN)
  assert.ok(clock.now() >= first)
  t.mock.timers.setTime(Date.parse('1990-01-01T00:00:00Z'))
  assert.ok(clock.now() >= first)
})

test('has gone on after sleep, which a steady clock may not count', t => {
  t.mock.timers.enable({ apis: ['Date'], now: 1_000_000 })
  const clock = createClock()
  clock.observe(at)
  t.mock.timers.setTime(1_000_000 + 3_600_000)
  assert.ok(clock.now() >= at + 3_600_000)
})

test('reads the Date of an answer', () => {
  const date = 'Sun, 02 Feb 2020 02:02:02 GMT'
  assert.equal(readTime(new Response('', { headers: { date } })), at)
  assert.ok(Number.isNaN(readTime(new Response(''))))
})
