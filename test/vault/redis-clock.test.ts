// The time of day that all instances take from Redis.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createRedisClock } from '../../src/vault/redis-clock.ts'

const START = Date.UTC(2026, 0, 1)

/** A server whose clock is an hour ahead, with answers that take so many milliseconds there and back. */
function build(roundTripMs: number) {
  let passed = 0
  const state = { isAway: false, roundTripMs, localAhead: 0 }
  const clock = createRedisClock(
    async () => {
      passed += state.roundTripMs / 2
      const time = START + 3_600_000 + passed
      passed += state.roundTripMs / 2
      if (state.isAway) throw new Error('away')
      return [`${Math.floor(time / 1000)}`, `${(time % 1000) * 1000}`]
    },
    { now: () => START + passed + state.localAhead, steady: () => 5_000 + passed },
  )
  const server = () => START + 3_600_000 + passed
  return { clock, state, server, pass: (milliseconds: number) => (passed += milliseconds) }
}

test('[F10] the time of day is the server’s, and goes on from there', async () => {
  const { clock, server, pass, state } = build(40)
  assert.equal(clock.now(), START)
  await clock.sync()
  assert.equal(clock.now(), server())
  pass(60_000)
  assert.equal(clock.now(), server())
  // Somebody sets this machine's clock.
  state.localAhead = -86_400_000
  assert.equal(clock.now(), server())
})

test('[F10, V11] a server that is away or slow changes nothing', async () => {
  const { clock, server, state, pass } = build(40)
  state.isAway = true
  await clock.sync()
  pass(1_000)
  assert.equal(clock.now(), START + 1_040)
  state.isAway = false
  state.roundTripMs = 1_002
  await clock.sync()
  assert.equal(clock.now(), START + 1_040 + 1_002)
  state.roundTripMs = 2
  await clock.sync()
  assert.equal(clock.now(), server())
})
