import assert from 'node:assert/strict'
import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { test } from 'node:test'
import { readClientKeyText } from '../../../program/config/client-key-text.ts'
import { parseClientKeys } from '../../../src/smart/token/client-keys.ts'

const pemOf = (key: KeyObject, type: 'pkcs8' | 'sec1' | 'pkcs1') =>
  key.export({ type, format: 'pem' }).toString()

test('client keys come as PEM of every kind, and are named by their thumbprint', async () => {
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
  const texts = [
    ...[pemOf(ec, 'pkcs8'), pemOf(ec, 'sec1')],
    ...[pemOf(rsa, 'pkcs8'), `\n${pemOf(rsa, 'pkcs1')}`],
  ]
  for (const text of texts) {
    const [key] = await parseClientKeys(readClientKeyText(text))
    assert.match(key?.kid ?? '', /^[A-Za-z0-9_-]{43}$/)
  }
})

test('PEM that is no private key is refused without a word of it', () => {
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' })
  const spki = publicKey.export({ type: 'spki', format: 'pem' }).toString()
  for (const text of ['-----BEGIN PRIVATE KEY-----\nsecret', spki]) {
    assert.throws(() => readClientKeyText(text), {
      message: 'a client key cannot be read as a private key',
    })
  }
  assert.equal(readClientKeyText('{"keys":[]}'), '{"keys":[]}', 'JSON passes as it is')
})
