import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  buildAuthorizationParameters,
  buildAuthorizationRequest,
  buildLaunch,
} from '../../../src/smart/launch/authorize.ts'
import { resolveQuirks } from '../../../src/smart/quirks.ts'
import type { AuthorizationServer, LaunchRequest, Registration } from '../../../src/smart/types.ts'
import { buildRegistration } from '../registration.ts'
import { buildServer } from '../server.ts'

const secret = 'a-secret-that-is-nowhere'

interface Asked {
  launch?: Partial<LaunchRequest>
  registration?: Partial<Registration>
  server?: Partial<AuthorizationServer>
}

async function authorize({ launch = {}, ...asked }: Asked = {}) {
  const registration = buildRegistration({
    clientAuth: { method: 'client_secret_basic', secret },
    ...asked.registration,
  })
  const server = buildServer(asked.server)
  const request: LaunchRequest = {
    kind: 'ehr',
    registration,
    iss: registration.iss,
    launch: 'xyz',
    returnTo: '/',
    ...launch,
  }
  const material = buildLaunch(request, server, { randomBytes })
  const parameters = await buildAuthorizationParameters(request, material, 'the-state')
  return { material, parameters, ...buildAuthorizationRequest(server, parameters) }
}

async function queryOf(asked?: Asked): Promise<URLSearchParams> {
  const sent = await authorize(asked)
  assert.ok(sent.method === 'GET')
  return new URL(sent.url).searchParams
}

test('[AL-19, AL-20, AL-21] asks for a code, by our client id and redirect URI', async () => {
  const query = await queryOf({
    registration: { clientId: 'app & co', redirectUri: 'https://app.test/bff/redirect/x?y=%2F' },
  })
  assert.equal(query.get('response_type'), 'code')
  assert.equal(query.get('client_id'), 'app & co')
  assert.equal(query.get('redirect_uri'), 'https://app.test/bff/redirect/x?y=%2F')
})

test('[AL-14, AL-43] the redirect URI is the registered one, and kept for the exchange', async () => {
  const redirectUri = 'https://app.test/bff/redirect/general'
  const { material, parameters } = await authorize({ registration: { redirectUri } })
  assert.equal(new Map(parameters).get('redirect_uri'), redirectUri)
  assert.equal(material.redirectUri, redirectUri)
})

test('[CF-10] asks for its scopes whatever the server says it supports', async () => {
  const scope = 'launch openid fhirUser patient/Observation.rs?category=laboratory'
  const asked = { registration: { scope }, server: { scopesSupported: ['openid'] } }
  assert.equal((await queryOf(asked)).get('scope'), scope)
})

test('[AL-03, AL-23, SC-37] carries state and scope, and asks no server for max_age', async () => {
  const query = await queryOf()
  assert.equal(query.get('state'), 'the-state')
  assert.equal(query.get('scope'), 'launch openid fhirUser patient/*.rs')
  assert.equal(query.has('max_age'), false)
})

test('[AL-11, AL-26, AL-27] sends an S256 challenge of a fresh verifier', async () => {
  const { material, parameters } = await authorize()
  const query = new Map(parameters)
  const challenge = createHash('sha256').update(material.codeVerifier).digest('base64url')
  assert.match(material.codeVerifier, /^[A-Za-z0-9_-]{43}$/)
  assert.equal(query.get('code_challenge'), challenge)
  assert.equal(query.get('code_challenge_method'), 'S256')
  assert.notEqual((await authorize()).material.codeVerifier, material.codeVerifier)
})

test('[AL-12] the challenge is that of RFC 7636, appendix B', async () => {
  const registration = buildRegistration()
  const request = { kind: 'ehr', registration, iss: registration.iss, returnTo: '/' } as const
  const codeVerifier = 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk'
  const material = { ...buildLaunch(request, buildServer(), { randomBytes }), codeVerifier }
  const parameters = new Map(await buildAuthorizationParameters(request, material, 's'))
  assert.equal(parameters.get('code_challenge'), 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM')
})

test('[L20, CF-08] refuses a server that lists PKCE without S256, and asks all others with it', async () => {
  for (const codeChallengeMethods of [['plain'], [], ['s256']]) {
    await assert.rejects(authorize({ server: { codeChallengeMethods } }), {
      code: 'pkce_unsupported',
    })
  }
  const unlisted = await queryOf({ server: { codeChallengeMethods: undefined } })
  assert.equal(unlisted.get('code_challenge_method'), 'S256')
})

test('[AL-17] `launch` comes through byte for byte, whatever it holds', async () => {
  await fc.assert(
    fc.asyncProperty(fc.stringMatching(/^[\x20-\x7e]{1,200}$/), async launch => {
      assert.equal((await queryOf({ launch: { launch } })).get('launch'), launch)
    }),
  )
  const long = '+/=%&#?'.repeat(600)
  assert.equal((await queryOf({ launch: { launch: long } })).get('launch'), long)
})

test('[AL-22] a standalone launch sends no `launch`, and an empty one is never sent', async () => {
  for (const launch of [undefined, 'xyz']) {
    assert.equal((await queryOf({ launch: { kind: 'standalone', launch } })).has('launch'), false)
  }
  assert.equal((await queryOf({ launch: { launch: '' } })).has('launch'), false)
})

test('[AL-25, Q3] `aud` is the issuer as it came, its port and slash kept', async () => {
  for (const iss of [
    ...['https://ehr.test:443/fhir/r4', 'https://EHR.test/fhir/r4/', 'https://ehr.test'],
  ]) {
    assert.equal((await queryOf({ launch: { iss } })).get('aud'), iss)
  }
})

test('[Q17] `aud` is left out or a literal where the registration says so', async () => {
  assert.equal((await queryOf({ registration: { aud: 'none' } })).has('aud'), false)
  const literal = 'https://other.test/fhir'
  assert.equal((await queryOf({ registration: { aud: literal } })).get('aud'), literal)
})

test('[Q17, L18] the audience has a second name where the server reads no `aud`, each once', async () => {
  const aud = 'https://api.test/fhir'
  for (const audienceName of ['audience', 'resource'] as const) {
    const quirks = resolveQuirks({ audienceName })
    const server = {
      authorizationEndpoint: `https://login.test/authorize?${audienceName}=evil&t=1`,
    }
    const query = await queryOf({ registration: { aud, quirks }, server })
    assert.deepEqual(query.getAll('aud'), [aud])
    assert.deepEqual(query.getAll(audienceName), [aud])
    assert.equal(query.get('t'), '1')
    const without = await queryOf({ registration: { aud: 'none', quirks } })
    assert.equal(without.has(audienceName), false)
  }
  const plain = await queryOf({ registration: { aud } })
  assert.deepEqual([plain.has('audience'), plain.has('resource')], [false, false])
})

test('sends a nonce exactly when an id_token is asked for and looked at', async () => {
  const nonce = (await queryOf()).get('nonce')
  assert.match(nonce ?? '', /^[A-Za-z0-9_-]{22}$/)
  assert.equal(
    (await queryOf({ registration: { scope: 'launch patient/*.rs' } })).has('nonce'),
    false,
  )
  assert.equal((await queryOf({ registration: { idToken: 'ignore' } })).has('nonce'), false)
})

test('`prompt` is sent where it is configured', async () => {
  assert.equal((await queryOf()).has('prompt'), false)
  assert.equal((await queryOf({ registration: { prompt: 'login' } })).get('prompt'), 'login')
})

test('[AL-31] keeps the query that the endpoint has of its own, byte for byte', async () => {
  for (const [endpoint, start] of [
    ['https://ehr.test/a?tenant=1%2B1&x', 'https://ehr.test/a?tenant=1%2B1&x&response_type='],
    ['https://ehr.test/a?', 'https://ehr.test/a?response_type='],
    ['https://ehr.test:443/a', 'https://ehr.test:443/a?response_type='],
  ] as const) {
    const sent = await authorize({ server: { authorizationEndpoint: endpoint } })
    assert.ok(sent.method === 'GET' && sent.url.startsWith(start), endpoint)
  }
})

test('[L18] each of our parameters occurs once, whatever the endpoint presets', async () => {
  const preset =
    'state=evil&redirect_uri=https%3A%2F%2Fevil.test&client%5Fid=evil&request_uri=evil&keep=1&response_mode=fragment&launch=evil'
  const query = await queryOf({
    launch: { kind: 'standalone', launch: undefined },
    server: { authorizationEndpoint: `https://ehr.test/a?${preset}` },
  })
  for (const name of new Set(query.keys())) assert.equal(query.getAll(name).length, 1, name)
  assert.equal(query.get('state'), 'the-state')
  assert.equal(query.get('keep'), '1')
  for (const name of ['request_uri', 'response_mode', 'launch']) assert.ok(!query.has(name), name)
})

test('[AL-30, AL-32, SC-06] long requests are posted where the server takes that', async () => {
  const scope = Array.from({ length: 90 }, (_, i) => `patient/Observation.rs?code=${i}`).join(' ')
  const registration = { scope }
  const listed = {
    capabilities: ['authorize-post'],
    authorizationEndpoint: 'https://ehr.test/a?t=1',
  }
  const posted = await authorize({ registration, server: listed })
  assert.ok(posted.method === 'POST')
  assert.equal(posted.action, 'https://ehr.test/a?t=1')
  assert.deepEqual(posted.fields, posted.parameters)
  assert.equal((await authorize({ registration })).method, 'GET', 'not listed')
  assert.equal((await authorize({ server: listed })).method, 'GET', 'short')
})

test('[AL-10] the client secret is in no part of the request', async () => {
  const { url } = (await authorize()) as { url: string }
  assert.ok(!url.includes(secret) && !url.includes('client_secret'))
})

test('[R23] the redirect is one address, whatever the announced endpoint holds', async () => {
  const authorizationEndpoint = 'https://ehr.test/authorize/"<x>"?a={b|c}'
  const sent = await authorize({ server: { authorizationEndpoint } })
  assert.ok(sent.method === 'GET')
  assert.match(
    sent.url,
    /^https:\/\/ehr\.test\/authorize\/%22%3Cx%3E%22\?a=%7Bb%7Cc%7D&response_type=/,
  )
})
