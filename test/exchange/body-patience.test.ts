import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createPatience } from '../../src/exchange/body-patience.ts'

const limits = { idleMs: 15_000, bytesPerSecond: 1000 }

/** How long a client that sends so many bytes so often is put up with, at most an hour. */
function endures(bytes: number, everyMs: number): number {
  const patience = createPatience(limits)
  let passed = 0
  while (passed < 3_600_000) {
    if (everyMs > patience.leftMs) return passed + patience.leftMs
    passed += everyMs
    patience.received(bytes, everyMs)
  }
  return passed
}

test('[P18] a byte now and then buys nothing', () => {
  assert.equal(endures(0, 20_000), 15_000)
  assert.ok(endures(1, 10_000) <= 15_100)
  assert.ok(endures(1, 1) > 1_000_000, 'a thousand bytes a second are enough')
  assert.ok(endures(1, 10) <= 17_000)
  assert.ok(endures(900, 1000) <= 200_000)
})

test('[P18] whoever keeps the pace may pause, and a hoard is worth one pause', () => {
  assert.equal(endures(1000, 1000), 3_600_000)
  assert.ok(endures(14_000, 14_000) >= 3_600_000)
  const patience = createPatience(limits)
  patience.received(1_000_000_000, 0)
  assert.equal(patience.leftMs, 15_000)
  patience.received(1, 16_000)
  assert.equal(patience.leftMs, 0)
})

test('without a pace each pause is as long', () => {
  const patience = createPatience({ idleMs: 300 })
  patience.received(1, 299)
  assert.equal(patience.leftMs, 300)
})
