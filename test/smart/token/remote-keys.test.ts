import assert from 'node:assert/strict'
import { createPublicKey, generateKeyPairSync, type KeyObject, sign as signNow } from 'node:crypto'
import { test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { buildPublicKeySet } from '../../../src/smart/token/client-keys.ts'
import { parseRemoteKeys } from '../../../src/smart/token/remote-keys.ts'

const ec = (namedCurve = 'P-384') => generateKeyPairSync('ec', { namedCurve }).privateKey
const rsa = (modulusLength = 2048) => generateKeyPairSync('rsa', { modulusLength }).privateKey
const publicJwk = (key: KeyObject) => createPublicKey(key).export({ format: 'jwk' })
const input = new TextEncoder().encode('header.payload')
const signerOf = (key: KeyObject) => async (bytes: Uint8Array) => signNow('sha384', bytes, key)

test('[AS-12, AS-16] a key that is elsewhere signs by its signer, and is published from its public half', async () => {
  for (const [key, alg] of [
    [ec(), 'ES384'],
    [rsa(), 'RS384'],
  ] as const) {
    const asked: object[] = []
    const text = JSON.stringify({ keys: [{ ...publicJwk(key), kid: 'in-the-hsm' }] })
    const [parsed] = await parseRemoteKeys(text, async (bytes, which) => {
      asked.push(which)
      return signNow('sha384', bytes, key)
    })
    assert.equal(parsed?.alg, alg)
    await parsed?.sign(input)
    assert.deepEqual(asked, [{ kid: 'in-the-hsm', alg }])
    const [published] = buildPublicKeySet(parsed ? [parsed] : []).keys
    assert.deepEqual(published, {
      ...publicJwk(key),
      ...{ kid: 'in-the-hsm', alg, use: 'sig', key_ops: ['verify'] },
    })
  }
})

test('[SG1] what a wrong signer makes is refused here, and no word of it told', async () => {
  const [mine, other] = [ec(), ec()]
  for (const ask of [
    signerOf(other),
    signerOf(rsa()),
    async () => Buffer.from(''),
    async () => Buffer.from('Error: the token is locked'),
    async () => Buffer.alloc(96),
    async () => signNow('sha384', Buffer.from('other bytes'), mine),
    async (bytes: Uint8Array) => signNow('sha256', bytes, mine),
  ]) {
    const [key] = await parseRemoteKeys(JSON.stringify(publicJwk(mine)), ask)
    await assert.rejects(async () => await key?.sign(input), {
      code: 'signer_unavailable',
      status: 503,
      detail: 'the signer answered with no signature of its public key',
    })
  }
})

test('a text in which a private key stands is refused, and so is a weak, strange or doubled one', async () => {
  const key = ec()
  const jwk = publicJwk(key)
  for (const [text, words] of [
    [JSON.stringify(key.export({ format: 'jwk' })), /a private key stands among the public keys/],
    [JSON.stringify(publicJwk(rsa(1024))), /2048 bits/],
    [JSON.stringify(publicJwk(ec('P-256'))), /P-384/],
    [JSON.stringify({ ...jwk, x: 'AAAA' }), /cannot be read/],
    [JSON.stringify({ ...jwk, use: 'enc' }), /not for signing/],
    [JSON.stringify({ keys: [jwk, jwk] }), /same kid/],
    ['no JSON', /neither JSON nor PEM/],
  ] as const) {
    await assert.rejects(parseRemoteKeys(text, signerOf(key)), (error: Error) => {
      assert.match(error.message, words)
      assert.ok(!error.message.includes(String(jwk.x)))
      return true
    })
  }
})

test('[SG1] a signer that never answers holds up nothing: it is given up in time for the lease of a renewal', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const never = () => Promise.withResolvers<Uint8Array>().promise
  const [key] = await parseRemoteKeys(JSON.stringify(publicJwk(ec())), never)
  const signing = assert.rejects(async () => await key?.sign(input), {
    code: 'signer_unavailable',
    detail: 'the signer did not answer in time',
  })
  await nextTurn()
  t.mock.timers.tick(5_000)
  await signing
})
