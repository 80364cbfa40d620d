// Processes that share sessions while their keys change, each restarted at its own time: what one of them
// seals or signs, every other one opens, as long as each step waits for all of them.

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  addClientKey,
  addKey,
  promoteKeys,
  retireKeys,
  rotateKeyRing,
} from '../src/key-rotation.ts'
import { type KeyRing, makeKeyRing, parseKeyRing, printKeyRing } from '../src/keys.ts'

const HOUR = 3_600_000
const keepMs = 12 * HOUR

test('[K11, S11] two processes at different steps of a rotation open what the other one seals', () => {
  const pauses = fc.array(fc.integer({ min: 0, max: 20 * HOUR }), { minLength: 1, maxLength: 12 })
  fc.assert(
    fc.property(pauses, waits => {
      let now = 0
      let ring = makeKeyRing(now, randomBytes)
      const sealed = new Map<string, number>()
      for (const [i, wait] of waits.entries()) {
        now += wait
        const before = ring
        ring = parseKeyRing(printKeyRing(step(ring, i, now)))
        // One process has the ring of before, the other the one of after.
        for (const [sealing, opening] of [
          [before, ring],
          [ring, before],
        ] as const) {
          sealed.set(sealing.keys[0].id, now)
          assert.ok(opening.keys.some(({ id }) => id === sealing.keys[0].id))
        }
        for (const [id, last] of sealed) {
          const isOpened = ring.keys.some(key => key.id === id)
          assert.ok(isOpened || now - last >= keepMs, 'a live session cannot be opened')
        }
        assert.ok(ring.keys.length <= 2 + waits.length && !ring.keys[0].isNext)
      }
    }),
  )
})

test('[K11] while a key waits no other is added, and without one there is nothing to promote', () => {
  const first = makeKeyRing(0, randomBytes)
  const added = addKey(first, HOUR, randomBytes)
  assert.throws(() => addKey(added, HOUR, randomBytes), /a key waits to be promoted already/)
  assert.throws(() => rotateKeyRing(added, { now: HOUR, keepMs, randomBytes }), /keys promote/)
  const promoted = promoteKeys(added, HOUR)
  for (const ring of [first, promoted]) {
    assert.throws(() => promoteKeys(ring, HOUR), /no key waits: keys add/)
  }
})

function step(ring: KeyRing, i: number, now: number): KeyRing {
  if (i % 3 === 0) return addKey(ring, now, randomBytes)
  if (i % 3 === 1) return promoteKeys(ring, now)
  return retireKeys(ring, { now, keepMs })
}

test('[AS-09] a client key is published, then signs, then is retired', () => {
  const [a, b] = [
    { kid: 'a', d: 'x' },
    { kid: 'b', d: 'x' },
  ]
  const first = addClientKey(makeKeyRing(0, randomBytes), a)
  assert.deepEqual(first.clientKeys, [a])
  const added = addClientKey(first, b)
  assert.deepEqual(added.clientKeys, [a, { ...b, next: true }])
  assert.throws(() => addClientKey(added, a), { message: 'a client key waits already' })
  const promoted = promoteKeys(added, HOUR)
  assert.deepEqual(promoted.keys, added.keys)
  assert.deepEqual(promoted.clientKeys, [{ ...b, usedSince: new Date(HOUR).toISOString() }, a])
  assert.equal(retireKeys(promoted, { now: 2 * HOUR, keepMs }).clientKeys.length, 2)
  assert.equal(retireKeys(promoted, { now: 13 * HOUR, keepMs }).clientKeys.length, 1)
})
