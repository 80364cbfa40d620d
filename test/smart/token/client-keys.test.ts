import assert from 'node:assert/strict'
import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { compactVerify, importJWK } from 'jose'
import { buildPublicKeySet, parseClientKeys } from '../../../src/smart/token/client-keys.ts'

const ig = JSON.parse(
  readFileSync(new URL('../fixtures/ig-keys.json', import.meta.url), 'utf8'),
) as Record<'RS384' | 'ES384', { jwk: Record<string, string>; jws: string }>

const jwkOf = (key: KeyObject) => key.export({ format: 'jwk' })
const ec = (namedCurve: string) => generateKeyPairSync('ec', { namedCurve }).privateKey
const rsa = (modulusLength: number) => generateKeyPairSync('rsa', { modulusLength }).privateKey

test("[AS-10, AS-11] the IG's own key pairs load, and its worked examples verify under them", async () => {
  for (const alg of ['RS384', 'ES384'] as const) {
    const [key] = await parseClientKeys(JSON.stringify(ig[alg].jwk))
    assert.ok(key)
    assert.deepEqual([key.alg, key.kid], [alg, ig[alg].jwk.kid])
    const publicKey = await importJWK({ ...key.publicJwk })
    const { payload } = await compactVerify(ig[alg].jws, publicKey, { algorithms: [alg] })
    const claims = JSON.parse(Buffer.from(payload).toString())
    assert.equal(claims.iss, 'https://bili-monitor.example.com')
  }
})

test('keys come as a set or as one JWK, and keep their order', async () => {
  const [first, second] = [ec('P-384'), rsa(2048)]
  const set = {
    keys: [
      { ...jwkOf(first), kid: 'a' },
      { ...jwkOf(second), kid: 'b' },
    ],
  }
  const loaded = await parseClientKeys(JSON.stringify(set))
  assert.deepEqual(
    loaded.map(({ kid, alg }) => [kid, alg]),
    [
      ['a', 'ES384'],
      ['b', 'RS384'],
    ],
  )
  const [unnamed] = await parseClientKeys(JSON.stringify(jwkOf(first)))
  assert.match(unnamed?.kid ?? '', /^[A-Za-z0-9_-]{43}$/, 'named by its thumbprint')
})

test('public keys beside the private ones are passed over', async () => {
  const { d: _d, ...publicJwk } = ig.ES384.jwk
  const both = { keys: [{ ...publicJwk, key_ops: ['verify'] }, ig.ES384.jwk] }
  assert.equal((await parseClientKeys(JSON.stringify(both))).length, 1)
  assert.deepEqual(await parseClientKeys('{"keys":[]}'), [])
})

test('[AS-12] RS256 only where the key says so', async () => {
  const jwk = jwkOf(rsa(2048))
  const [usual] = await parseClientKeys(JSON.stringify(jwk))
  const [older] = await parseClientKeys(JSON.stringify({ ...jwk, alg: 'RS256' }))
  assert.deepEqual([usual?.alg, older?.alg], ['RS384', 'RS256'])
})

test('[AS-01] a key that does not verify what it signs stops the start', async () => {
  const other = jwkOf(rsa(2048))
  const mixed = { ...ig.RS384.jwk, n: other.n }
  await assert.rejects(parseClientKeys(JSON.stringify(mixed)), /client key/)
  const { d } = jwkOf(ec('P-384'))
  await assert.rejects(parseClientKeys(JSON.stringify({ ...ig.ES384.jwk, d })), /client key/)
})

test('refuses weak keys, other curves, other uses and what is no key, without showing it', async () => {
  const bad = [
    ...[
      jwkOf(rsa(1024)),
      jwkOf(ec('P-256')),
      jwkOf(ec('P-521')),
      { kty: 'oct', k: 'AAAA', d: 'x' },
    ],
    ...[
      { ...ig.ES384.jwk, use: 'enc' },
      { ...ig.ES384.jwk, alg: 'ES256' },
      { ...ig.RS384.jwk, alg: 'PS384' },
    ],
    ...[
      { ...ig.ES384.jwk, kid: '' },
      { ...ig.ES384.jwk, kid: 7 },
      { kty: 'RSA', d: 'x' },
    ],
    jwkOf(generateKeyPairSync('ed25519').privateKey),
  ].map(jwk => JSON.stringify(jwk))
  const texts = [
    '',
    'null',
    '[]',
    '{"keys":[1]}',
    'secret-text',
    '-----BEGIN PRIVATE KEY-----\nsecret',
  ]
  for (const text of [...bad, ...texts]) {
    await assert.rejects(parseClientKeys(text), (error: Error) => {
      assert.match(error.message, /client key|JWK/)
      assert.ok(!error.message.includes('secret') && error.cause === undefined)
      return true
    })
  }
})

test('[AS-03, AS-13, AS-14] the published set has whole public keys', async () => {
  const keys = await parseClientKeys(JSON.stringify({ keys: [ig.RS384.jwk, ig.ES384.jwk] }))
  const { n, e } = ig.RS384.jwk
  const { crv, x, y } = ig.ES384.jwk
  const rest = { use: 'sig', key_ops: ['verify'] }
  assert.deepEqual(JSON.parse(JSON.stringify(buildPublicKeySet(keys))), {
    keys: [
      { kty: 'RSA', n, e, kid: ig.RS384.jwk.kid, alg: 'RS384', ...rest },
      { kty: 'EC', crv, x, y, kid: ig.ES384.jwk.kid, alg: 'ES384', ...rest },
    ],
  })
})

test('[AS-04] no private member is published, and no private key can be taken out', async () => {
  const keys = await parseClientKeys(JSON.stringify({ keys: [ig.RS384.jwk, ig.ES384.jwk] }))
  const text = JSON.stringify(buildPublicKeySet(keys))
  for (const { jwk } of [ig.RS384, ig.ES384]) {
    for (const name of ['d', 'p', 'q', 'dp', 'dq', 'qi']) {
      assert.ok(!text.includes(`"${name}":`))
      assert.ok(!jwk[name] || !text.includes(jwk[name]))
    }
  }
  for (const key of keys) assert.deepEqual(Object.keys(key), ['kid', 'alg', 'sign', 'publicJwk'])
})

test('[AS-15] coordinates keep their leading zeros', async () => {
  const length = (coordinate: string | undefined) =>
    Buffer.from(coordinate ?? '', 'base64url').length
  const short = findKeyWithLeadingZero()
  const [key] = await parseClientKeys(JSON.stringify(short))
  assert.deepEqual([length(key?.publicJwk.x), length(key?.publicJwk.y)], [48, 48])
  assert.deepEqual([key?.publicJwk.x, key?.publicJwk.y], [short.x, short.y])
})

test('[AS-16] two keys of one name are refused, one key of several registrations is not', async () => {
  const [a, b] = [jwkOf(ec('P-384')), jwkOf(ec('P-384'))].map(jwk => ({ ...jwk, kid: 'same' }))
  await assert.rejects(parseClientKeys(JSON.stringify({ keys: [a, b] })), /same kid/)
  const [first, second] = [
    await parseClientKeys(JSON.stringify(a)),
    await parseClientKeys(JSON.stringify(b)),
  ]
  assert.throws(() => buildPublicKeySet([...first, ...second]), /kid same/)
  assert.equal(buildPublicKeySet([...first, ...first]).keys.length, 1)
})

test('[AS-09] the current and the next key are published together', async () => {
  const keys = {
    keys: [
      { ...jwkOf(ec('P-384')), kid: 'current' },
      { ...jwkOf(ec('P-384')), kid: 'next' },
    ],
  }
  const set = buildPublicKeySet(await parseClientKeys(JSON.stringify(keys)))
  assert.deepEqual(
    set.keys.map(({ kid }) => kid),
    ['current', 'next'],
  )
})

function findKeyWithLeadingZero(): Record<string, string> {
  for (;;) {
    const jwk = jwkOf(ec('P-384')) as Record<string, string>
    if (jwk.x?.startsWith('AA') || jwk.y?.startsWith('AA')) return jwk
    if (Buffer.from(jwk.x ?? '', 'base64url')[0] === 0) return jwk
  }
}
