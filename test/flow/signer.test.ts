// Logins and renewals with a client key that is elsewhere: the example's script with OpenSSL, and a service. A signer
// that is down or wrong harms its own EHR alone, and nothing of what it says reaches one.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createPublicKey, generateKeyPairSync, type KeyObject, sign as signNow } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import type { RequestListener } from 'node:http'
import { join, resolve } from 'node:path'
import { type TestContext, test } from 'node:test'
import { listen } from '../network/listen.ts'
import { createBrowser } from '../world/browser.ts'
import { until } from '../world/eventually.ts'
import { makeTestFolder } from '../world/folder.ts'
import { createWorld, type World } from '../world/world.ts'
import { logIn } from './login.ts'

const keys = {
  ES384: generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey,
  RS384: generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey,
}

const pem = (key: KeyObject) => createPublicKey(key).export({ type: 'spki', format: 'pem' })

/** The product with the client key of `general` at a signer; `paths` are those the sandbox was asked. */
async function startWorld(t: TestContext, signer: object, key: KeyObject) {
  const paths: string[] = []
  const world = await createWorld({
    sandbox: { onRequest: ({ path }) => paths.push(path) },
    files: { 'client.pub.pem': String(pem(key)) },
    env: { SIGNER_KEY: process.env.SIGNER_KEY },
    configure(document) {
      Object.assign(document.ehrs[0], {
        clientId: 'sandbox-keys',
        clientAuth: { method: 'private_key_jwt', publicKeyFile: 'client.pub.pem', signer },
      })
    },
  })
  t.after(() => world.close())
  return { world, paths }
}

async function readsAfterRenewal({ app, sandbox }: World): Promise<void> {
  const browser = createBrowser()
  const { fhirBaseUrl } = await logIn({ app, sandbox }, browser, 'amy-shaw')
  sandbox.expireAccessTokens()
  assert.equal((await browser.fetch(`${fhirBaseUrl}/Patient/amy-shaw`)).status, 200)
}

for (const [alg, key] of Object.entries(keys)) {
  test(`[AS-10, AS-20, SG1] ${alg} by the example's script: logins and renewals, and the key is published`, async t => {
    const folder = makeTestFolder(t)
    const file = join(folder, 'client-key.pem')
    writeFileSync(file, key.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 })
    process.env.SIGNER_KEY = file
    const signer = { command: [resolve('examples/signer/sign.sh')], environment: ['SIGNER_KEY'] }
    const { world } = await startWorld(t, signer, key)
    await readsAfterRenewal(world)
    const { text } = await createBrowser().fetch(`${world.app}/.well-known/jwks.json`)
    const [published, ...more] = JSON.parse(text).keys
    const { kty, n, x } = createPublicKey(key).export({ format: 'jwk' })
    assert.deepEqual([published.alg, published.kty, published.n, published.x], [alg, kty, n, x])
    assert.ok(!('d' in published) && more.length === 0)
    const pemOnly = execFileSync('openssl', ['pkey', '-in', file, '-pubout']).toString()
    assert.equal(pemOnly, pem(key))
  })
}

/** A service that signs, or answers as it is told. */
const service =
  (behave: { key: KeyObject; answer?: RequestListener }): RequestListener =>
  async (request, response) => {
    const pieces: Buffer[] = []
    for await (const piece of request) pieces.push(piece)
    if (behave.answer) return behave.answer(request, response)
    response.end(signNow('sha384', Buffer.concat(pieces), behave.key).toString('base64url'))
  }

test('[SG1] a service that signs is as good; when it is down its own EHR is, and no session is lost', async t => {
  const behave: Parameters<typeof service>[0] = { key: keys.ES384 }
  const { origin } = await listen(t, service(behave))
  const { world, paths } = await startWorld(t, { url: `${origin}/sign` }, keys.ES384)
  await readsAfterRenewal(world)
  const browser = createBrowser()
  const { fhirBaseUrl } = await logIn(world, browser, 'ben-ortega')

  behave.answer = (_request, response) => response.writeHead(503).end('the PIN is 1234')
  world.sandbox.expireAccessTokens()
  paths.length = 0
  const refused = await browser.fetch(`${fhirBaseUrl}/Patient/ben-ortega`)
  assert.equal(refused.status, 503, refused.text)
  assert.match(refused.headers.get('proxy-status') ?? '', /signer_unavailable/)
  await assert.rejects(logIn(world, createBrowser(), 'amy-shaw'), /signer_unavailable/)
  assert.ok(!paths.some(path => path.endsWith('/token')), 'nothing was sent without a proof')
  // The other EHR goes on.
  await logIn(world, createBrowser(), 'amy-shaw', 'ehr=dstu2')
  assert.ok(world.log.join('').includes('the signer answered 503'))
  assert.ok(!world.log.join('').includes('1234'))

  behave.answer = undefined
  await logIn(world, createBrowser(), 'amy-shaw')
  // A failed renewal rests before it is tried again.
  await until(async () => (await browser.fetch(`${fhirBaseUrl}/Patient/ben-ortega`)).status === 200)
})

test('[SG1] what a wrong signer makes is never sent to an EHR', async t => {
  const other = generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey
  const { origin } = await listen(t, service({ key: other }))
  const { world, paths } = await startWorld(t, { url: `${origin}/sign` }, keys.ES384)
  await assert.rejects(logIn(world, createBrowser(), 'amy-shaw'), /signer_unavailable/)
  assert.ok(!paths.some(path => path.endsWith('/token')))
})
