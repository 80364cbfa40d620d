import assert from 'node:assert/strict'
import { generateKeyPairSync, sign as signNow } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseClientKeys } from '../../../src/smart/token/client-keys.ts'
import { readSignature, verifies } from '../../../src/smart/token/signature.ts'
import type { PublicJwk } from '../../../src/smart/types.ts'

const ec = generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
const [ecKey, rsaKey] = await Promise.all(
  [ec, rsa].map(async key => {
    const [parsed] = await parseClientKeys(JSON.stringify(key.export({ format: 'jwk' })))
    return parsed?.publicJwk as PublicJwk
  }),
)
const input = new TextEncoder().encode('header.payload')
const jws = { key: ec, dsaEncoding: 'ieee-p1363' } as const
const bytesOf = (text: string) => new TextEncoder().encode(text)

/** The ways in which signers write one signature. */
function spell(signature: Buffer): Uint8Array[] {
  return [
    signature,
    ...['base64url', 'base64'].flatMap(encoding => {
      const text = signature.toString(encoding as BufferEncoding)
      return [bytesOf(text), bytesOf(`${text}\n`)]
    }),
  ]
}

test('[AS-19] a signature is read as bytes and in base64, an ECDSA one in both of its forms', async () => {
  for (let i = 0; i < 50; i++) {
    for (const made of [signNow('sha384', input, jws), signNow('sha384', input, ec)]) {
      for (const answer of spell(made)) {
        const read = readSignature(answer, ecKey as PublicJwk)
        assert.equal(read?.length, 96)
        assert.ok(await verifies(read as Uint8Array, input, ecKey as PublicJwk))
      }
    }
  }
  for (const answer of spell(signNow('sha384', input, rsa))) {
    const read = readSignature(answer, rsaKey as PublicJwk)
    assert.ok(await verifies(read ?? assert.fail(), input, rsaKey as PublicJwk))
  }
})

test('[SG1] small numbers of DER are filled up, broken DER is no signature', () => {
  const read = (...bytes: number[]) => readSignature(Uint8Array.from(bytes), ecKey as PublicJwk)
  const small = read(0x30, 6, 2, 1, 5, 2, 1, 9)
  assert.equal(small?.length, 96)
  assert.deepEqual([small?.[47], small?.[95]], [5, 9])
  for (const broken of [
    [],
    [0x30],
    [0x30, 0],
    [0x30, 6, 2, 1, 5, 2, 1],
    [0x30, 6, 2, 1, 5, 2, 2, 9],
    [0x30, 7, 2, 1, 5, 2, 1, 9, 0],
    [0x30, 6, 2, 0, 5, 2, 1, 9],
    [0x31, 6, 2, 1, 5, 2, 1, 9],
    [0x30, 54, 2, 49, ...Array(49).fill(7), 2, 1, 9],
  ]) {
    assert.equal(read(...broken), undefined, JSON.stringify(broken))
  }
})

test('[SG1] whatever a signer answers is a signature of the right length, or none', () => {
  const keys = [ecKey, rsaKey] as PublicJwk[]
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), fc.constantFrom(...keys), (answer, key) => {
      const read = readSignature(answer, key)
      if (read) assert.equal(read.length, key.kty === 'RSA' ? 256 : 96)
    }),
  )
})

test('[SG1] a signature of other bytes, or by another key, does not verify', async () => {
  const made = signNow('sha384', input, jws)
  const other = generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey
  const key = ecKey as PublicJwk
  assert.ok(!(await verifies(made, bytesOf('header.payloae'), key)))
  assert.ok(!(await verifies(signNow('sha384', input, { ...jws, key: other }), input, key)))
  assert.ok(!(await verifies(signNow('sha256', input, jws), input, key)))
})
