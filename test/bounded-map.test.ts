import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createBoundedMap } from '../src/bounded-map.ts'

const KIB = 1024
const heavy = (bytes: number) => ({ bytes })
const build = (maxBytes: number) => createBoundedMap<{ bytes: number }>(maxBytes, v => v.bytes)

test('[DS13] however many and however large its entries are, it never holds more than its bound', () => {
  const step = fc.record({
    key: fc.string({ maxLength: 3 }),
    size: fc.integer({ min: 0, max: 6 * KIB }),
    kind: fc.constantFrom('set', 'set', 'set', 'get', 'delete'),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), steps => {
      const map = build(8 * KIB)
      const last = new Map<string, unknown>()
      for (const { key, size, kind } of steps) {
        const value = heavy(size)
        if (kind === 'set') {
          map.set(key, value)
          last.set(key, value)
          assert.equal(map.get(key), value)
        } else if (kind === 'delete') {
          const had = map.has(key)
          assert.equal(map.delete(key), had)
          last.delete(key)
        } else {
          const found = map.get(key)
          assert.ok(found === undefined || found === last.get(key))
        }
        const held = [...map.entries()].map(([, value]) => value)
        assert.equal(held.length, map.size)
        assert.ok(map.bytes <= 8 * KIB && map.bytes >= held.reduce((sum, v) => sum + v.bytes, 0))
      }
      for (const key of last.keys()) map.delete(key)
      assert.deepEqual([map.size, map.bytes], [0, 0])
    }),
  )
})

test('[DS13] what is asked for stays, what nobody asks for goes, the oldest first', () => {
  const map = build(10 * KIB)
  for (const key of ['a', 'b', 'c', 'd']) map.set(key, heavy(2 * KIB))
  for (let i = 0; i < 100; i++) {
    assert.ok(map.get('a'), `after ${i}`)
    map.set(`new ${i}`, heavy(2 * KIB))
  }
  assert.ok(!map.has('b') && !map.has('new 0') && map.has('new 99'))
})

test('[DS13] many small entries are bounded too, and one that is too large is not kept', () => {
  const map = createBoundedMap<number>(64 * KIB)
  for (let i = 0; i < 10_000; i++) map.set(`${i}`, i)
  assert.ok(map.size < 400 && map.size > 100, `${map.size}`)
  const weighed = build(4 * KIB)
  weighed.set('small', heavy(KIB))
  weighed.set('large', heavy(5 * KIB))
  assert.ok(weighed.has('small') && !weighed.has('large'))
  weighed.set('small', heavy(5 * KIB))
  assert.deepEqual([weighed.size, weighed.bytes], [0, 0])
})
