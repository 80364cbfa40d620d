// What the façade says of itself, alone in a bare Fastify: at an EHR that is away, at none, and after a mistake.

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import facadeDocuments from '../../plugins/facade-documents.ts'
import { BrokerError } from '../../src/errors.ts'
import { makeKeyRing } from '../../src/keys.ts'
import { deriveSigningKeys } from '../../src/signing-keys.ts'
import { buildBareApp, buildRegistration } from './alone.ts'

const publicUrl = 'https://app.example.org'

/** The routes before an EHR whose discovery gives this, and that answers nothing else. */
async function build(t: TestContext, resolve: () => Promise<unknown>) {
  const asked = { discovered: 0, fetched: 0 }
  const app = buildBareApp({
    smartDiscovery: {
      resolve() {
        asked.discovered++
        return resolve()
      },
      fetchFor: () => async () => {
        asked.fetched++
        throw new BrokerError('issuer_unreachable')
      },
    },
  })
  t.after(() => app.close())
  await app.register(facadeDocuments, {
    ...{ registrations: [buildRegistration()], publicUrl },
    signingKeys: deriveSigningKeys(makeKeyRing(0, randomBytes), 'facade id token'),
  })
  const get = async (path: string) => {
    const answer = await app.inject(`/smart/${path}`)
    return { status: answer.statusCode, json: answer.json() }
  }
  return { get, asked }
}

test('[FA1, FA4] an app finds our endpoints while the EHR is away, and a mistake of ours is no such absence', async t => {
  const away = await build(t, () => Promise.reject(new BrokerError('issuer_unreachable')))
  const found = await away.get('general/.well-known/smart-configuration')
  assert.equal(found.status, 200)
  assert.equal(found.json.token_endpoint, `${publicUrl}/smart/general/token`)
  assert.equal(found.json.scopes_supported, undefined)
  assert.equal((await away.get('general/metadata')).json.resourceType, 'CapabilityStatement')
  const here = await build(t, async () => ({ scopesSupported: ['openid'] }))
  const { json } = await here.get('general/.well-known/smart-configuration')
  assert.deepEqual(json.scopes_supported, ['openid'])
  const broken = await build(t, () => Promise.reject(new TypeError('a mistake')))
  assert.equal((await broken.get('general/.well-known/smart-configuration')).status, 500)
})

test('[FA4] there is no server of an EHR that is not registered, and nobody is asked for it', async t => {
  const { get, asked } = await build(t, async () => ({}))
  for (const name of ['.well-known/smart-configuration', '.well-known/jwks.json', 'metadata']) {
    for (const ehr of ['nobody', 'constructor', 'GENERAL']) {
      assert.deepEqual(await get(`${ehr}/${name}`), { status: 400, json: { code: 'unknown_ehr' } })
    }
  }
  assert.deepEqual(asked, { discovered: 0, fetched: 0 })
})
