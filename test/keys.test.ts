// The key ring: what is refused, what rotation keeps, and that no two purposes share a key.

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { rotateKeyRing } from '../src/key-rotation.ts'
import {
  beginEpoch,
  buildKeyMarks,
  deriveKey,
  deriveKeyObjects,
  deriveKeys,
  type KeyPurpose,
  makeKeyRing,
  parseKeyRing,
  printKeyRing,
} from '../src/keys.ts'

const HOUR = 3_600_000
const start = Date.UTC(2026, 0, 1)
const keepMs = 12 * HOUR

const purposes: KeyPurpose[] = [
  'ticket cookie',
  'launch cookie',
  'state',
  'vault record',
  'vault index',
  'vault check',
]

function makeRing() {
  return makeKeyRing(start, randomBytes)
}

function rotate(ring: ReturnType<typeof makeRing>, now: number) {
  return rotateKeyRing(ring, { now, keepMs, randomBytes })
}

/** The document of a sound ring, with one thing changed. */
function alter(change: (document: { keys: Record<string, unknown>[] }) => unknown): string {
  const document = JSON.parse(printKeyRing(rotate(makeRing(), start)))
  return JSON.stringify(change(document) ?? document)
}

test('a ring reads as it was written', () => {
  const ring = { ...rotate(makeRing(), start + HOUR), clientKeys: [{ kty: 'EC', kid: '1' }] }
  assert.deepEqual(parseKeyRing(printKeyRing(ring)), ring)
})

test('[D16] a ring with any key that is not exactly 32 bytes is refused', () => {
  const secrets = [
    ...[0, 1, 16, 31, 33, 64].map(size => randomBytes(size).toString('base64url')),
    randomBytes(32).toString('hex'),
    randomBytes(32).toString('base64'),
    `${randomBytes(32).toString('base64url')}=`,
    ` ${randomBytes(32).toString('base64url')}`,
    '',
    null,
    32,
    ['x'],
  ]
  for (const secret of secrets) {
    for (const place of [0, 1]) {
      const text = alter(({ keys }) => {
        keys[place] = { ...keys[place], secret }
      })
      assert.throws(() => parseKeyRing(text), {
        message: `key ${place + 1} of the ring must be exactly 32 bytes, base64url`,
      })
    }
  }
})

test('a ring that is not one is refused, each with its reason', () => {
  for (const [text, message] of [
    ['', 'the key ring is not JSON'],
    ['{', 'the key ring is not JSON'],
    ['null', 'the key ring is not JSON'],
    ['"text"', 'the key ring is not JSON'],
    ['[]', 'not a key ring of version 1'],
    ['{}', 'not a key ring of version 1'],
    ['{"version":2,"keys":[]}', 'not a key ring of version 1'],
    ['{"version":1}', 'the key ring has no key'],
    ['{"version":1,"keys":[]}', 'the key ring has no key'],
    ['{"version":1,"keys":{"0":{}}}', 'the key ring has no key'],
    ['{"version":1,"keys":[null]}', 'key 1 of the ring has no proper id'],
    [alter(({ keys }) => ({ version: 1, keys: [keys[0], keys[0]] })), 'two keys have the same id'],
    [
      alter(({ keys }) => ({ version: 1, keys, clientKeys: { kty: 'EC' } })),
      'clientKeys of the ring must be a list of JWKs',
    ],
    [
      alter(({ keys }) => ({ version: 1, keys, clientKeys: ['text'] })),
      'clientKeys of the ring must be a list of JWKs',
    ],
    [
      alter(({ keys }) => void Object.assign(keys[0] ?? {}, { id: '../x' })),
      'key 1 of the ring has no proper id',
    ],
    [
      alter(({ keys }) => void Object.assign(keys[0] ?? {}, { next: true })),
      'key 1 of the ring cannot be the next one: the first is the one in use',
    ],
    [
      alter(({ keys }) => void Object.assign(keys[1] ?? {}, { next: 'yes' })),
      'key 2 of the ring cannot be the next one: the first is the one in use',
    ],
    [
      alter(({ keys }) => void Object.assign(keys[0] ?? {}, { usedSince: 'now' })),
      'key 1 of the ring has no proper usedSince',
    ],
    [
      alter(({ keys }) => void Object.assign(keys[1] ?? {}, { createdAt: 'yesterday' })),
      'key 2 of the ring has no proper createdAt',
    ],
  ] as const) {
    assert.throws(() => parseKeyRing(text), { message }, text)
  }
})

test('[G2] no refusal tells anything of the file', () => {
  const secret = randomBytes(31).toString('base64url')
  const tellsNothing = (text: string) => {
    try {
      parseKeyRing(text)
    } catch (error) {
      assert.ok(error instanceof Error)
      assert.equal(`${error.message} ${error.stack} ${error.cause}`.includes(secret), false)
    }
  }
  tellsNothing(secret)
  tellsNothing(`{"version":1,"keys":[{"secret":"${secret}"`)
  tellsNothing(
    alter(({ keys }) => {
      keys[0] = { ...keys[0], secret }
    }),
  )
  fc.assert(fc.property(fc.json(), text => tellsNothing(text)))
})

test('[V10] rotation puts a new key in front and keeps the old ones as long as sessions may live', () => {
  const first = makeRing()
  const second = rotate(first, start + HOUR)
  assert.deepEqual(second.keys.slice(1), first.keys)
  const third = rotate(second, start + HOUR + keepMs - 1)
  assert.deepEqual(third.keys.slice(1), second.keys)
  const fourth = rotate(second, start + HOUR + keepMs)
  assert.deepEqual(fourth.keys.slice(1), second.keys.slice(0, 1))
  assert.deepEqual(rotate({ ...first, clientKeys: [{ kid: '1' }] }, start).clientKeys, [
    { kid: '1' },
  ])
})

test('[D9] each purpose and each key has a key of its own', () => {
  const ring = rotate(makeRing(), start)
  const derived = ring.keys.flatMap(key => purposes.map(purpose => deriveKey(key, purpose)))
  assert.ok(derived.every(key => key.length === 32))
  const all = [...derived, ...ring.keys.map(({ secret }) => secret)]
  assert.equal(new Set(all.map(key => key.toString('hex'))).size, all.length)
})

test('derived keys are the same on every start, the one in use first', () => {
  const ring = rotate(makeRing(), start)
  const again = parseKeyRing(printKeyRing(ring))
  assert.deepEqual(deriveKeys(again, 'state'), deriveKeys(ring, 'state'))
  const objects = deriveKeyObjects(again, 'vault record')
  assert.deepEqual(
    [...objects.keys()],
    ring.keys.map(({ id }) => id),
  )
  assert.deepEqual(
    [...objects.values()].map(key => key.export()),
    deriveKeys(ring, 'vault record'),
  )
})

test('[V10] the marks of two keys differ, also where their ids are the same', () => {
  const ring = makeRing()
  const [key] = ring.keys
  const other = { ...ring, keys: [{ ...key, secret: randomBytes(32) }] as const }
  assert.deepEqual(buildKeyMarks(ring), buildKeyMarks(parseKeyRing(printKeyRing(ring))))
  assert.notDeepEqual(buildKeyMarks(ring), buildKeyMarks(other))
  assert.deepEqual([...buildKeyMarks(ring).keys()], [key.id])
})

test('[V17] an epoch has keys of its own for every purpose, and the marks of the last one', () => {
  const ring = rotate(makeRing(), start)
  const rings = [ring, beginEpoch(ring), beginEpoch(beginEpoch(ring))]
  const kinds = purposes.filter(purpose => purpose !== 'vault check')
  const derived = rings.flatMap(each => kinds.flatMap(purpose => deriveKeys(each, purpose)))
  assert.equal(new Set(derived.map(key => key.toString('hex'))).size, derived.length)
  for (const each of rings) {
    assert.deepEqual(buildKeyMarks(each), buildKeyMarks(ring))
    assert.deepEqual(parseKeyRing(printKeyRing(each)), each)
    assert.equal(rotate(each, start + HOUR).epoch, each.epoch)
  }
  assert.ok(!printKeyRing(ring).includes('epoch'))
  for (const epoch of ['"1"', '-1', '1.5', 'null', '9007199254740993']) {
    const text = printKeyRing(rings[1] as typeof ring).replace('"epoch": 1', `"epoch": ${epoch}`)
    assert.throws(() => parseKeyRing(text), /epoch of the ring/)
  }
})
