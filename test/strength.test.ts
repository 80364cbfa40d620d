// What passes for a secret: random bytes always, and nothing that a person would think of.

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { rotateKeyRing } from '../src/key-rotation.ts'
import { makeKeyRing, parseKeyRing, printKeyRing } from '../src/keys.ts'
import { findKeyWeakness, findTokenWeakness } from '../src/strength.ts'

const bytes = (make: (i: number) => number) => Uint8Array.from({ length: 32 }, (_, i) => make(i))

test('[D16, ST1] random keys and tokens pass, however often they are made', () => {
  for (let i = 0; i < 20_000; i++) {
    assert.equal(findKeyWeakness(randomBytes(32)), undefined)
    assert.equal(findTokenWeakness(randomBytes(18).toString('base64url')), undefined)
    assert.equal(findTokenWeakness(randomBytes(16).toString('hex')), undefined)
  }
})

test('[D16, ST1] a key that somebody made up is refused', () => {
  const half = randomBytes(16)
  const rows: [Uint8Array, RegExp][] = [
    [bytes(() => 0), /repeats/],
    [bytes(() => 0x61), /repeats/],
    [bytes(i => i % 2), /repeats/],
    [bytes(i => half[i % 16] as number), /repeats/],
    [bytes(i => half[i % 13] as number), /repeats/],
    [bytes(i => i), /counts/],
    [bytes(i => 255 - i), /counts/],
    [bytes(i => (i * 7 + 3) & 255), /counts/],
    [bytes(i => (i < 24 ? (half[i % 16] as number) ^ i : 0)), /empty/],
    [Buffer.from(`${randomBytes(12).toString('hex')}password`), /text|repeats/],
    [Buffer.from('correct horse battery staple 123'), /text|repeats/],
    [Buffer.from(randomBytes(24).toString('base64')), /text/],
  ]
  for (const [key, reason] of rows) assert.match(findKeyWeakness(key) ?? 'strong', reason)
  const any = fc.uint8Array({ minLength: 1, maxLength: 16 })
  fc.assert(
    fc.property(any, piece => {
      assert.ok(findKeyWeakness(bytes(i => piece[i % piece.length] as number)))
    }),
  )
})

test('[ST1] a token that can be guessed is refused', () => {
  for (const [token, reason] of [
    ['', /fewer than 24/],
    ['x', /fewer than 24/],
    ['operator', /fewer than 24/],
    [randomBytes(17).toString('base64url').slice(0, 23), /fewer than 24/],
    ['a'.repeat(40), /repeats/],
    ['changeme'.repeat(4), /repeats/],
    ['abcdefghijklmnopqrstuvwxyz', /counts/],
    ['0123456789012345678901234', /repeats/],
  ] as const) {
    assert.match(findTokenWeakness(token) ?? 'strong', reason, token)
  }
})

test('[K11, ST1] a ring with a weak key, or one key twice, is refused without a word of it', () => {
  const ring = rotateKeyRing(makeKeyRing(0, randomBytes), { now: 1, keepMs: 10, randomBytes })
  const [first, second] = ring.keys
  assert.ok(second)
  const weak = { ...second, secret: Buffer.alloc(32, 7) }
  assert.throws(() => parseKeyRing(printKeyRing({ ...ring, keys: [first, weak] })), {
    message: 'key 2 of the ring is no random key (it repeats itself): fhirstorm keys make',
  })
  const same = { ...second, secret: first.secret }
  assert.throws(() => parseKeyRing(printKeyRing({ ...ring, keys: [first, same] })), {
    message: 'two keys have the same secret',
  })
  assert.equal(parseKeyRing(printKeyRing(ring)).keys.length, 2)
})
