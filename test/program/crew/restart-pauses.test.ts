import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createRestartPauses } from '../../../program/crew/restart-pauses.ts'

test('[PR1] the pause before a worker is replaced grows while they die young, has an end, and begins anew', () => {
  let now = 0
  const pauseAfter = createRestartPauses(() => now)
  const pauses = Array.from({ length: 10 }, () => pauseAfter(now))
  assert.deepEqual(pauses, [100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000, 10_000])
  // One that never served is as young as can be.
  assert.equal(pauseAfter(undefined), 10_000)
  now = 60_000
  assert.equal(pauseAfter(50_001), 10_000)
  assert.equal(pauseAfter(50_000), 100)
  assert.equal(pauseAfter(undefined), 100)
  assert.equal(pauseAfter(undefined), 200)
})
