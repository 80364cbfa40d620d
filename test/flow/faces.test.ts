// Flows at EHRs with habits of their own, and with the client's own keys.

import assert from 'node:assert/strict'
import { get } from 'node:http'
import { test } from 'node:test'
import { exportJWK, generateKeyPair } from 'jose'
import type { Face } from '../../sandbox/faces/face.ts'
import { json } from '../../sandbox/http/answer.ts'
import { buildTokenTraces, showsToken } from '../../src/proxy/token-traces.ts'
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
      redirectUris: ['general', 'dstu2'].map(id => `${world.app}/redirect/${id}`),
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

// Every header that crosses, and some that never do, each in a form of its own.
function echo(token: string): Record<string, string> {
  const bearer = `Bearer ${token}`
  return {
    'x-request-id': token,
    'x-correlation-id': Buffer.from(bearer).toString('base64'),
    'x-progress': bearer,
    'x-security-context': encodeURIComponent(bearer),
    warning: `199 - "${bearer}"`,
    etag: `W/"${token}"`,
    'last-modified': Buffer.from(token).toString('hex'),
    'content-language': token,
    'preference-applied': `handling=${token}`,
    'accept-patch': `application/json; token="${token}"`,
    link: `<Patient?token=${token}>; rel="next"`,
    location: `Patient/1?token=${token}`,
    'content-location': `Patient/1/_history/${token}`,
    'x-echo': bearer,
    'www-authenticate': `Bearer realm="${bearer}"`,
    'set-cookie': `token=${token}`,
  }
}

test('[R16] an EHR that echoes our bearer in its headers shows it to nobody', async t => {
  let token = ''
  const face: Face = {
    name: 'echo',
    about: 'Echoes the bearer in every header.',
    async fhir(answer, { headers: { authorization = '' } }) {
      token = authorization.replace('Bearer ', '')
      const plain = await answer()
      return { ...plain, headers: { ...plain.headers, ...echo(token) } }
    },
  }
  const world = await createWorld({
    sandbox: { faces: [face] },
    configure: (document, sandbox) => addFace(document, sandbox, 'echo'),
  })
  t.after(() => world.close())
  const browser = createBrowser()
  const { fhirBaseUrl } = await logIn(world, browser, 'amy-shaw', 'ehr=echo')
  const answer = await browser.fetch(`${fhirBaseUrl}/Patient/amy-shaw`)
  assert.equal(answer.status, 200)
  assert.ok(token.length > 20)
  const crossed = [...answer.headers].filter(([, value]) =>
    showsToken(value, buildTokenTraces(token)),
  )
  assert.deepEqual(crossed, [])
  for (const name of Object.keys(echo(token))) {
    // The id of the request is ours.
    const isOurs = name === 'x-request-id'
    assert.ok(isOurs || answer.headers.get(name) === null, name)
  }
})

test('[Q16, R23] a suspended user is shown the page of the EHR, as one link, and only once', async t => {
  const injection = (origin: string) =>
    `${origin}/suspended>;rel="preload";as="script",<https://other.example/y`
  const face: Face = {
    name: 'suspended',
    about: 'Refuses every renewal, and says where to read why.',
    beforeToken: ({ renewal, site }) =>
      renewal > 0
        ? json({ error: 'invalid_grant', error_uri: injection(site.origin) }, { status: 400 })
        : undefined,
  }
  const world = await createWorld({
    sandbox: { faces: [face] },
    configure: (document, sandbox) => addFace(document, sandbox, 'suspended'),
  })
  t.after(() => world.close())
  const browser = createBrowser()
  const { fhirBaseUrl } = await logIn(world, browser, 'amy-shaw', 'ehr=suspended')
  world.sandbox.expireAccessTokens()
  const first = await browser.fetch(`${fhirBaseUrl}/Patient/amy-shaw`)
  assert.equal(first.status, 401)
  assert.match(first.headers.get('proxy-status') ?? '', /details="session_expired"/)
  const { origin } = new URL(world.sandbox.url)
  assert.equal(
    first.headers.get('link'),
    `<${origin}/suspended%3E;rel=%22preload%22;as=%22script%22,%3Chttps://other.example/y>; rel="help"`,
  )
  const second = await browser.fetch(`${fhirBaseUrl}/Patient/amy-shaw`)
  assert.deepEqual([second.status, second.headers.get('link')], [401, null])
  assert.match(second.headers.get('proxy-status') ?? '', /details="session_invalid"/)
})
