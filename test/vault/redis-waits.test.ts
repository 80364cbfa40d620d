// Who removes a record waits for those who may still give it: what counts as their word, and what does not.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createRedisWaits, type RedisWaits, type Wait } from '../../src/vault/redis-waits.ts'

/** A wait whose leases run on for longer than any test. */
function buildWait(members: Record<string, string>, overrides: Partial<Wait> = {}): Wait {
  const over = performance.now() + 60_000
  return { epoch: 'run.1', seq: 7, members: new Map(Object.entries(members)), over, ...overrides }
}

/** Waits over these readings of the hash, the last of which is repeated; one that is an error fails. */
function readFrom(readings: unknown[]) {
  const state = { reads: 0 }
  const waits: RedisWaits = createRedisWaits(async () => {
    // As if the store told of a change at once: no pause comes between two readings.
    waits.wake()
    const reading = readings[Math.min(state.reads++, readings.length - 1)]
    if (reading instanceof Error) throw reading
    return reading
  })
  return { waits, state }
}

test('[K5, K19] a removal is over with the word of every member, and not before', async () => {
  const { waits, state } = readFrom([
    { epoch: 'run.1', 'at:a': '6 1', 'at:b': '6 1' },
    { epoch: 'run.1', 'at:a': '7 2', 'at:b': '6 2' },
    { epoch: 'run.1', 'at:a': '7 2', 'at:b': '6 3' },
    { epoch: 'run.1', 'at:a': '7 2', 'at:b': '12 4' },
  ])
  assert.deepEqual(await waits.wait(buildWait({ 'at:a': '6 1', 'at:b': '6 1' })), [])
  assert.equal(state.reads, 4)
})

test('[K5, K19] what members say of another run of the store is no word about this one', async () => {
  const { waits, state } = readFrom([
    { epoch: 'run.2', 'at:a': '900 1' },
    { epoch: 'run.2' },
    {},
    { epoch: 'run.1', 'at:a': '7 2' },
  ])
  assert.deepEqual(await waits.wait(buildWait({ 'at:a': '6 1' })), [])
  assert.equal(state.reads, 4)
})

test('[K5, K19, V11] a reading that fails, or is none, is no word of anybody', async () => {
  for (const none of [new Error('away'), null, undefined, 'OK', 7]) {
    const { waits, state } = readFrom([none, none, { epoch: 'run.1', 'at:a': '7 2' }])
    assert.deepEqual(await waits.wait(buildWait({ 'at:a': '6 1' })), [])
    assert.equal(state.reads, 3)
  }
})

test('[K5, K19] a member that has given its lease back is waited for no more', async () => {
  const { waits, state } = readFrom([{ epoch: 'run.1', 'at:a': '6 1' }, { epoch: 'run.1' }])
  assert.deepEqual(await waits.wait(buildWait({ 'at:a': '6 1' })), [])
  assert.equal(state.reads, 2)
})

test('[K5, K19] when the leases are over those are named who have said nothing since', async () => {
  const { waits } = readFrom([{ epoch: 'run.1', 'at:dead': '6 1', 'at:slow': '6 9' }])
  const members = { 'at:dead': '6 1', 'at:slow': '6 8', 'at:gone': '6 1' }
  const silent = await waits.wait(buildWait(members, { over: performance.now() }))
  assert.deepEqual(silent, [['at:dead', '6 1']])
})

test('[K19] several removals share a reading, and one with nobody else asks for none', async () => {
  const { waits, state } = readFrom([{ epoch: 'run.1', 'at:a': '9 1' }])
  assert.deepEqual(await waits.wait(buildWait({})), [])
  assert.equal(state.reads, 0)
  const first = waits.wait(buildWait({ 'at:a': '6 1' }))
  const others = [8, 9].map(seq => waits.wait(buildWait({ 'at:a': '6 1' }, { seq })))
  assert.deepEqual(await Promise.all([first, ...others]), [[], [], []])
  assert.equal(state.reads, 1)
})
