// The sealing of records: what opens, and that nothing else does.

import assert from 'node:assert/strict'
import { createSecretKey, randomBytes } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  buildIndexKey,
  buildRecordId,
  openRecord,
  type SealAddress,
  type Sealed,
  sealRecord,
} from '../../src/vault/seal.ts'

const serverKey = createSecretKey(Buffer.alloc(32, 1))
const plain = Buffer.from(JSON.stringify({ accessToken: 'canary', patient: 'amy' }))

function buildAddress(overrides: Partial<SealAddress> = {}): SealAddress {
  return {
    recordId: buildRecordId('session-1'),
    ehr: 'general',
    generation: 1,
    secret: 'ticket secret',
    ...overrides,
  }
}

function seal(address = buildAddress(), random = randomBytes, text: Uint8Array = plain): Sealed {
  return sealRecord('key-1', serverKey, address, text, random)
}

test('a record opens at the address that it was sealed for', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 5000 }),
      fc.string({ unit: 'binary', maxLength: 60 }),
      fc.nat(),
      (text, ehr, generation) => {
        const address = buildAddress({ ehr, generation })
        const opened = openRecord(serverKey, address, seal(address, randomBytes, text))
        assert.deepEqual(opened, Buffer.from(text))
      },
    ),
  )
})

test('[V3] a record does not open with any one bit changed, nor cut, nor lengthened', () => {
  const sealed = seal()
  const open = (value: Uint8Array) => openRecord(serverKey, buildAddress(), { ...sealed, value })
  for (let offset = 0; offset < sealed.value.length; offset++) {
    for (let bit = 0; bit < 8; bit++) {
      const value = Buffer.from(sealed.value)
      value[offset] = (value[offset] as number) ^ (1 << bit)
      assert.equal(open(value), undefined, `bit ${bit} of byte ${offset}`)
    }
    assert.equal(open(sealed.value.subarray(0, offset)), undefined, `cut at ${offset}`)
  }
  assert.equal(open(Buffer.concat([sealed.value, Buffer.of(0)])), undefined)
  assert.equal(open(Buffer.concat([Buffer.of(0), sealed.value])), undefined)
  assert.deepEqual(open(sealed.value), plain)
})

test('[V3] what was never sealed does not open and does not throw', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.boolean(), (bytes, looksLikeOurs) => {
      const value = looksLikeOurs ? Uint8Array.of(1, ...bytes) : bytes
      assert.equal(openRecord(serverKey, buildAddress(), { keyId: 'key-1', value }), undefined)
    }),
  )
})

test('[V13, V3] a record opens nowhere else: other id, EHR, generation, ticket or key', () => {
  const sealed = seal()
  for (const elsewhere of [
    { recordId: buildRecordId('session-2') },
    { ehr: 'other' },
    { ehr: '' },
    { generation: 2 },
    { secret: 'another secret' },
    { secret: '' },
  ]) {
    assert.equal(openRecord(serverKey, buildAddress(elsewhere), sealed), undefined)
  }
  const otherKey = createSecretKey(Buffer.alloc(32, 2))
  assert.equal(openRecord(otherKey, buildAddress(), sealed), undefined)
  const renamed = { ...sealed, keyId: 'key-2' }
  assert.equal(openRecord(serverKey, buildAddress(), renamed), undefined)
})

test('the parts of an address cannot be shifted into one another', () => {
  const sealed = seal(buildAddress({ recordId: 'ab', ehr: 'cd' }))
  for (const [recordId, ehr] of [
    ['abc', 'd'],
    ['a', 'bcd'],
    ['ab","cd', ''],
  ] as const) {
    assert.equal(openRecord(serverKey, buildAddress({ recordId, ehr }), sealed), undefined)
  }
})

test('[V1] nothing of the record can be seen in its sealed form', () => {
  const { value } = seal()
  for (const encoding of ['utf8', 'base64', 'base64url', 'hex'] as const) {
    assert.equal(Buffer.from(value).toString(encoding).includes('canary'), false)
  }
  assert.equal(Buffer.from(value).includes(plain.subarray(0, 8)), false)
})

test('[V9] two sealings never share key and nonce, even where the randomness repeats itself', () => {
  const seen = new Set(
    Array.from({ length: 2_000 }, () => Buffer.from(seal().value.subarray(1, 29)).toString('hex')),
  )
  assert.equal(seen.size, 2_000)

  // As after a virtual machine was cloned: the same random bytes again, for another generation.
  const stuck = (size: number) => Buffer.alloc(size, 7)
  const bodies = [
    buildAddress(),
    buildAddress({ generation: 2 }),
    buildAddress({ recordId: buildRecordId('session-2') }),
    buildAddress({ secret: 'another secret' }),
  ].map(address => Buffer.from(seal(address, stuck).value.subarray(29, -16)).toString('hex'))
  assert.equal(new Set(bodies).size, bodies.length)
})

test('a record id is a SHA-256 that tells nothing of its ticket', () => {
  assert.match(buildRecordId('session-1'), /^[A-Za-z0-9_-]{43}$/)
  assert.notEqual(buildRecordId('session-1'), buildRecordId('session-2'))
})

test('[V2, V15] an index key is a keyed hash of fixed form, distinct for every list of values', () => {
  const key = createSecretKey(Buffer.alloc(32, 3))
  const other = createSecretKey(Buffer.alloc(32, 4))
  assert.match(buildIndexKey(key, 'sub', ['x'.repeat(10_000), '\r\n*:{}']), /^[A-Za-z0-9_-]{22}$/)
  assert.notEqual(buildIndexKey(key, 'sub', ['a']), buildIndexKey(other, 'sub', ['a']))
  fc.assert(
    fc.property(
      fc.array(fc.string(), { maxLength: 3 }),
      fc.array(fc.string(), { maxLength: 3 }),
      (a, b) => {
        fc.pre(JSON.stringify(a) !== JSON.stringify(b))
        assert.notEqual(buildIndexKey(key, 'sub', a), buildIndexKey(key, 'sub', b))
        assert.notEqual(buildIndexKey(key, 'sub', a), buildIndexKey(key, 'sid', a))
      },
    ),
  )
})
