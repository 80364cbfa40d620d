// When a server counts as one of this key ring: judged once, before its first use, and again where that failed.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BrokerError } from '../../src/errors.ts'
import { createRedisRing } from '../../src/vault/redis-ring.ts'
import { VaultRefusal } from '../../src/vault/refusal.ts'

const marks = new Map([['key', 'mark']])

/** A ring over a server that gives these marks, one reading after the other; an error is thrown. */
function build(readings: unknown[]) {
  const steps: unknown[] = []
  const ring = createRedisRing(
    async () => {
      const reading = readings.shift()
      steps.push('read')
      if (!(reading instanceof Map)) throw reading
      return reading
    },
    async noted => void steps.push(noted),
  )
  return { ring, steps }
}

test('[V10] a server is judged once, and is asked nothing more of its keys', async () => {
  const { ring, steps } = build([new Map()])
  await ring.ready()
  assert.deepEqual(steps, [])
  await ring.verifyKeys(marks)
  assert.deepEqual(steps, ['read', marks])
  await ring.ready()
  assert.deepEqual(steps, ['read', marks])
})

test('[V10] other keys refuse the start, and each use of a server that came late', async () => {
  const others = new Map([['key', 'other']])
  const early = build([others])
  await assert.rejects(early.ring.verifyKeys(marks), VaultRefusal)

  const late = build([new Error('away'), others, marks])
  await late.ring.verifyKeys(marks)
  const detail = 'the vault was sealed under another key with the id key'
  await assert.rejects(late.ring.ready(), { code: 'vault_unavailable', detail })
  assert.deepEqual(late.steps, ['read', 'read'])
  await late.ring.ready()
  assert.deepEqual(late.steps.at(-1), marks)
})

test('[V10, V11] a server that is still away is told of as such', async () => {
  const away = new BrokerError('vault_unavailable', { detail: 'Redis: ECONNREFUSED' })
  const { ring, steps } = build([away, away, marks])
  await ring.verifyKeys(marks)
  await assert.rejects(ring.ready(), error => error === away)
  await ring.ready()
  assert.deepEqual(steps, ['read', 'read', 'read', marks])
})
