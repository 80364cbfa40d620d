// A client key that is elsewhere, as the configuration names it: its public half in a file, and one way to a signature.

import assert from 'node:assert/strict'
import { createPublicKey, generateKeyPairSync, randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { ConfigError, loadConfig } from '../../../program/config/load.ts'
import { makeKeyRing, printKeyRing } from '../../../src/keys.ts'

const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' })
const files: Record<string, string> = {
  'keys.json': printKeyRing(makeKeyRing(0, randomBytes)),
  'public.pem': String(publicKey.export({ type: 'spki', format: 'pem' })),
  'public.jwk': JSON.stringify({ ...publicKey.export({ format: 'jwk' }), kid: 'slot-1' }),
  'private.pem': String(privateKey.export({ type: 'pkcs8', format: 'pem' })),
  'private.jwk': JSON.stringify(privateKey.export({ format: 'jwk' })),
  'junk.pem': '-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n',
}

async function load(clientAuth: string) {
  const asked: string[] = []
  const text = `publicUrl: https://app.example.org
keysFile: keys.json
vault: { kind: memory }
ehrs:
  - id: general
    name: General
    iss: https://ehr.example.org/fhir
    clientId: app
    clientAuth: { method: private_key_jwt, ${clientAuth} }
    scope: launch
`
  const { registrations } = await loadConfig({
    ...{ file: { name: 'fhirstorm.yaml', text }, env: {} },
    async readFile(name, kind) {
      asked.push(`${name} ${kind}`)
      return files[name] ?? assert.fail(name)
    },
  })
  const [registration] = registrations
  const auth = registration?.clientAuth
  assert.equal(auth?.method, 'private_key_jwt')
  return { keys: auth?.method === 'private_key_jwt' ? auth.keys : [], asked }
}

test('[AS-10, SG1] the public half is PEM, a JWK or a set, and no secret', async () => {
  for (const [signer, file, kid] of [
    ['{ command: [/usr/bin/sign, --slot, "1"], environment: [PIN_FILE] }', 'public.pem', undefined],
    ['{ url: "http://127.0.0.1:8200/sign" }', 'public.jwk', 'slot-1'],
    ['{ url: "http://signer/sign", socket: /run/signer.sock }', 'public.jwk', 'slot-1'],
  ] as const) {
    const { keys, asked } = await load(`publicKeyFile: ${file}, signer: ${signer}`)
    const [key] = keys
    assert.equal(key?.alg, 'ES384')
    if (kid) assert.equal(key?.kid, kid)
    assert.equal(key?.publicJwk.x, createPublicKey(privateKey).export({ format: 'jwk' }).x)
    assert.ok(asked.includes(`${file} public`))
  }
})

test('[SG1] what is half, twice, elsewhere or private is refused in words that name no key', async () => {
  const url = 'signer: { url: "http://127.0.0.1:8200/sign" }'
  for (const [clientAuth, words] of [
    ['publicKeyFile: public.jwk', /needs both, publicKeyFile and signer/],
    [url, /needs both/],
    [`keyFile: private.jwk, publicKeyFile: public.jwk, ${url}`, /one of keyFile and signer/],
    ['publicKeyFile: public.jwk, signer: {}', /exactly one of command and url/],
    [
      'publicKeyFile: public.jwk, signer: { command: [/a], url: "http://127.0.0.1/" }',
      /exactly one of command and url/,
    ],
    ['publicKeyFile: public.jwk, signer: { command: [sign] }', /the whole path of a program/],
    ['publicKeyFile: public.jwk, signer: { command: [/a], socket: /b }', /a socket is for a url/],
    [
      'publicKeyFile: public.jwk, signer: { url: "http://127.0.0.1/", environment: [A] }',
      /an environment is for a command/,
    ],
    ['publicKeyFile: public.jwk, signer: { url: "http://10.0.0.1/sign" }', /on this machine/],
    [
      'publicKeyFile: public.jwk, signer: { url: "https://127.0.0.1/" }',
      /must be an http:\/\/ URL/,
    ],
    ['publicKeyFile: public.jwk, signer: { url: "http://a:b@127.0.0.1/" }', /without user/],
    [`publicKeyFile: private.pem, ${url}`, /a private key stands among the public keys/],
    [`publicKeyFile: private.jwk, ${url}`, /a private key stands among the public keys/],
    [`publicKeyFile: junk.pem, ${url}`, /a public key of a signer cannot be read/],
  ] as const) {
    const error = await load(clientAuth).then(
      () => assert.fail(`accepted: ${clientAuth}`),
      reason => reason,
    )
    assert.ok(error instanceof ConfigError, String(error))
    assert.match(error.message, words)
    assert.ok(!error.message.includes('BEGIN'))
  }
})
