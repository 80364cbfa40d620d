// Flows at EHRs with habits of their own, and with the client's own keys.

import assert from 'node:assert/strict'
import { get } from 'node:http'
import { test } from 'node:test'
import { exportJWK, generateKeyPair } from 'jose'
import type { Face } from '../../sandbox/faces/face.ts'
import { createBrowser } from '../world/browser.ts'
import { type ConfigDocument, createWorld } from '../world/world.ts'
import { logIn } from './login.ts'

/** Registers a face of the sandbox as a further EHR. */
function addFace(document: ConfigDocument, sandboxUrl: string, face: string): void {
  const [general] = document.ehrs
  document.ehrs.push({ ...general, id: face, name: face, iss: `${sandboxUrl}/faces/${face}/fhir` })
}

test('[AS-02, AS-06, AL-38] an EHR that fetches our key set accepts what we sign, by both algorithms', async t => {
  for (const alg of ['ES384', 'RS384']) {
    const { privateKey } = await generateKeyPair(alg, { extractable: true })
    const world = await createWorld({
      clientKeys: [{ ...(await exportJWK(privateKey)), kid: `our-${alg}`, alg, use: 'sig' }],
      configure(document) {
        for (const ehr of document.ehrs) {
          ehr.clientId = 'app-with-keys'
          ehr.clientAuth = { method: 'private_key_jwt' }
        }
      },
    })
    t.after(() => world.close())
    await world.sandbox.register({
      clientId: 'app-with-keys',
      method: 'private_key_jwt',
      jwksUri: `${world.app}/.well-known/jwks.json`,
      redirectUris: [`${world.app}/redirect`, `${world.app}/redirect/dstu2`],
    })
    const browser = createBrowser()
    const { fhirBaseUrl } = await logIn(world, browser, 'amy-shaw')
    world.sandbox.expireAccessTokens()
    assert.equal((await browser.fetch(`${fhirBaseUrl}/Patient/amy-shaw`)).status, 200)
    const keySet = await (await fetch(`${world.app}/.well-known/jwks.json`)).text()
    assert.doesNotMatch(keySet, /"(?:d|p|q|dp|dq|qi)":/)
  }
})

test('[F12] a token that expires while an answer streams does not break the stream', async t => {
  const world = await createWorld({
    configure: (document, sandbox) => addFace(document, sandbox, 'fhir-endless'),
  })
  t.after(() => world.close())
  const browser = createBrowser()
  const { fhirBaseUrl } = await logIn(world, browser, 'amy-shaw', 'ehr=fhir-endless')
  const cookie = [...browser.cookies(world.app)].map(pair => pair.join('=')).join('; ')
  let bytes = 0
  await new Promise<void>((done, fail) => {
    const asked = get(`${fhirBaseUrl}/Binary/x`, { headers: { cookie } }, response => {
      response.on('data', chunk => {
        if (bytes === 0) world.sandbox.expireAccessTokens()
        bytes += chunk.length
        if (bytes < 20_000_000) return
        done()
        response.destroy()
      })
      response.on('error', error => (bytes < 20_000_000 ? fail(error) : undefined))
    })
    asked.on('error', error => (bytes < 20_000_000 ? fail(error) : undefined))
  })
  assert.ok(bytes >= 20_000_000)
})

test('[R16] an EHR that echoes our bearer in its headers shows it to nobody', async t => {
  const echo: Face = {
    name: 'echo',
    about: 'Echoes the bearer in every header.',
    async fhir(answer, { headers: { authorization = '' } }) {
      const plain = await answer()
      const headers = {
        ...plain.headers,
        'x-echo': authorization,
        'www-authenticate': `Bearer realm="${authorization}"`,
        'set-cookie': `token=${authorization}`,
        'x-authorization': authorization,
      }
      return { ...plain, headers }
    },
  }
  const world = await createWorld({
    sandbox: { faces: [echo] },
    configure: (document, sandbox) => addFace(document, sandbox, 'echo'),
  })
  t.after(() => world.close())
  const browser = createBrowser()
  const { fhirBaseUrl } = await logIn(world, browser, 'amy-shaw', 'ehr=echo')
  const answer = await browser.fetch(`${fhirBaseUrl}/Patient/amy-shaw`)
  assert.equal(answer.status, 200)
  assert.doesNotMatch(JSON.stringify([...answer.headers]), /Bearer|token=/)
})
