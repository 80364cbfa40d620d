import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { createRemoteJWKSet, exportJWK, generateKeyPair, jwtVerify } from 'jose'
import type { SandboxClient } from '../../sandbox/authorization/clients.ts'
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts'
import { tutorialClient } from '../../sandbox/tutorial-client.ts'
import { createBrowser } from '../world/browser.ts'
import { APP_URL, type Credentials, createApp, json, type Tokens } from './app.ts'

const AUTO = { patient: 'amy-shaw', auto: '1' }

let sandbox: Sandbox
const keyed: Record<string, Credentials> = {}

before(async () => {
  const redirectUris = [`${APP_URL}/redirect`]
  const clients: SandboxClient[] = [
    { clientId: 'posting', method: 'client_secret_post', secret: 'a secret: +/%', redirectUris },
  ]
  for (const alg of ['RS384', 'ES384']) {
    const { privateKey, publicKey } = await generateKeyPair(alg)
    const jwk = { ...(await exportJWK(publicKey)), kid: `kid-${alg}`, alg }
    clients.push({ clientId: alg, method: 'private_key_jwt', jwks: { keys: [jwk] }, redirectUris })
    keyed[alg] = { clientId: alg, method: 'jwt', key: { privateKey, alg, kid: jwk.kid } }
  }
  sandbox = await startSandbox({ port: 0, appUrl: APP_URL, clients, ehrIds: ['general'] })
})
after(() => sandbox.close())

/** The error that an authorization request comes back with, or stays at the server with. */
async function refusalOf(parameters: Record<string, string | undefined>, scope?: string) {
  const { url } = createApp(sandbox).request({ scope, parameters: { ...AUTO, ...parameters } })
  const answer = await createBrowser().navigate(url, next => next.startsWith(APP_URL))
  const location = answer.headers.get('location')
  return location === null
    ? { stayed: true, status: answer.status, error: /<dd>(invalid\w+)</.exec(answer.text)?.[1] }
    : { stayed: false, error: new URL(location.replace('#', '?')).searchParams.get('error') }
}

describe('client authentication', () => {
  const methods: Record<string, () => Credentials> = {
    client_secret_basic: () => ({}),
    client_secret_post: () => ({ clientId: 'posting', method: 'post', secret: 'a secret: +/%' }),
    'private_key_jwt with RS384': () => keyed.RS384 ?? {},
    'private_key_jwt with ES384': () => keyed.ES384 ?? {},
  }
  for (const [name, credentials] of Object.entries(methods)) {
    test(`a code is exchanged and a token renewed by ${name}`, async () => {
      const app = createApp(sandbox, 'r4', credentials())
      const tokens = await app.login(createBrowser(), { parameters: AUTO })
      assert.equal(tokens.patient, 'amy-shaw')
      assert.equal((await app.refresh(tokens.refresh_token)).status, 200)
    })
  }

  test('a wrong secret is invalid_client', async () => {
    const { url, verifier } = createApp(sandbox).request({ parameters: AUTO })
    const app = createApp(sandbox, 'r4', { secret: 'wrong' })
    const callback = await app.authorize(createBrowser(), url)
    const response = await app.exchange(callback.searchParams.get('code') ?? '', verifier)
    assert.equal(response.status, 401)
    assert.equal((await json(response)).error, 'invalid_client')
  })
})

test('the token answer carries the context, and an id_token that verifies', async () => {
  const app = createApp(sandbox)
  const scope = 'launch/patient launch/encounter patient/*.rs openid fhirUser'
  const tokens = await app.login(createBrowser(), { scope, parameters: AUTO })
  assert.equal(tokens.token_type, 'Bearer')
  assert.equal(tokens.expires_in, 3600)
  assert.equal(tokens.scope, scope)
  assert.equal(tokens.encounter, 'amy-shaw-visit-14')
  assert.equal(tokens.need_patient_banner, true)
  assert.equal(tokens.refresh_token, undefined)
  const keys = createRemoteJWKSet(new URL(`${sandbox.url}/oauth/jwks`))
  const { payload, protectedHeader } = await jwtVerify(tokens.id_token, keys, {
    issuer: sandbox.url,
    audience: tutorialClient.id,
  })
  assert.equal(protectedHeader.alg, 'RS256')
  assert.equal(payload.nonce, 'a-nonce')
  assert.equal(payload.fhirUser, `${sandbox.base('r4')}/Practitioner/maria-rivera`)
  assert.equal(typeof payload.sid, 'string')
})

test('the callback carries state and the issuer', async () => {
  const app = createApp(sandbox)
  const { url, state } = app.request({ parameters: AUTO })
  const callback = await app.authorize(createBrowser(), url)
  assert.equal(callback.searchParams.get('state'), state)
  assert.equal(callback.searchParams.get('iss'), sandbox.url)
})

test('the redirect URI of a registration of its own is accepted, and no other', async () => {
  const redirectUri = `${APP_URL}/redirect/general`
  const tokens = await createApp(sandbox, 'r4', { redirectUri }).login(createBrowser(), {
    parameters: AUTO,
  })
  assert.equal(tokens.patient, 'amy-shaw')
  const refusal = await refusalOf({ redirect_uri: `${APP_URL}/redirect/other` })
  assert.deepEqual(refusal, { stayed: true, status: 400, error: 'invalid_redirect_uri' })
})

test('aud counts with and without its last slash', async () => {
  const aud = `${sandbox.base('r4')}/`
  const tokens = await createApp(sandbox).login(createBrowser(), { parameters: { ...AUTO, aud } })
  const response = await createApp(sandbox).fhir(tokens.access_token, '/Patient/amy-shaw')
  assert.equal(response.status, 200)
})

const refusals: [
  title: string,
  error: string,
  Record<string, string | undefined>,
  scope?: string,
][] = [
  [
    'without PKCE',
    'invalid_request',
    { code_challenge: undefined, code_challenge_method: undefined },
  ],
  ['with plain PKCE', 'invalid_request', { code_challenge_method: 'plain' }],
  ['without aud', 'invalid_request', { aud: undefined }],
  ['for another server', 'invalid_request', { aud: 'https://ehr.example/fhir' }],
  ["for another authorization server's resources", 'invalid_request', { aud: 'STU3' }],
  ['with an unknown launch', 'invalid_request', { launch: 'unknown' }],
  ['for an implicit token', 'unsupported_response_type', { response_type: 'token' }],
  ['for a misspelt scope', 'invalid_scope', {}, 'openid patient/*.dus'],
  ['for system access', 'invalid_scope', {}, 'openid system/*.rs'],
  ['with prompt=none', 'login_required', { prompt: 'none' }],
]
for (const [title, error, parameters, scope] of refusals) {
  test(`a request ${title} comes back with ${error}`, async () => {
    if (parameters.aud === 'STU3') parameters.aud = sandbox.base('stu3')
    assert.deepEqual(await refusalOf(parameters, scope), { stayed: false, error })
  })
}

test('a code is good once, and its second use takes the tokens away', async () => {
  const app = createApp(sandbox)
  const { url, verifier } = app.request({ parameters: AUTO })
  const code = (await app.authorize(createBrowser(), url)).searchParams.get('code') ?? ''
  const { access_token: token } = await json<Tokens>(app.exchange(code, verifier))
  const second = await app.exchange(code, verifier)
  assert.equal((await json(second)).error, 'invalid_grant')
  assert.equal((await app.fhir(token, '/Patient/amy-shaw')).status, 401)
})

test('a code is worth nothing at another authorization server', async () => {
  const app = createApp(sandbox)
  const { url, verifier } = app.request({ parameters: AUTO })
  const code = (await app.authorize(createBrowser(), url)).searchParams.get('code') ?? ''
  const response = await createApp(sandbox, 'stu3').exchange(code, verifier)
  assert.equal(response.status, 400)
})

test('a wrong verifier is invalid_grant', async () => {
  const app = createApp(sandbox)
  const { url } = app.request({ parameters: AUTO })
  const code = (await app.authorize(createBrowser(), url)).searchParams.get('code') ?? ''
  const response = await app.exchange(code, 'x'.repeat(43))
  assert.equal((await json(response)).error, 'invalid_grant')
})

test('an authorization request may come as a form', async () => {
  const { url } = createApp(sandbox).request({ parameters: AUTO })
  const { origin, pathname, searchParams } = new URL(url)
  const response = await fetch(`${origin}${pathname}`, {
    method: 'POST',
    body: searchParams,
    redirect: 'manual',
  })
  assert.equal(response.status, 303)
  assert.match(response.headers.get('location') ?? '', /^\/interaction\/.*auto=1/)
})

test('an authorization request may be pushed ahead', async () => {
  const app = createApp(sandbox, 'par')
  const { url, verifier } = app.request()
  const parameters = new URL(url).searchParams
  parameters.set('client_id', 'posting')
  parameters.set('client_secret', 'a secret: +/%')
  const endpoint = url.replace(/authorize\?.*/, 'par')
  const pushed = await fetch(endpoint, { method: 'POST', body: parameters })
  assert.equal(pushed.status, 201)
  const { request_uri: requestUri } = await json<{ request_uri: string }>(pushed)
  const query = new URLSearchParams({ client_id: 'posting', request_uri: requestUri, ...AUTO })
  const back = await app.authorize(createBrowser(), `${url.split('?')[0]}?${query}`)
  const posting = createApp(sandbox, 'par', {
    clientId: 'posting',
    method: 'post',
    secret: 'a secret: +/%',
  })
  const response = await posting.exchange(back.searchParams.get('code') ?? '', verifier)
  const tokens = await json<Tokens>(response)
  assert.equal(tokens.patient, 'amy-shaw')
  assert.equal(typeof tokens.refresh_token, 'string')
})

test('scopes of both versions and finer ones are granted as they are written', async () => {
  const scope =
    'launch/patient patient/*.read patient/Condition.cruds user/Practitioner.rs ' +
    'patient/Observation.rs?category=http://terminology.hl7.org/CodeSystem/observation-category|laboratory'
  const tokens = await createApp(sandbox).login(createBrowser(), { scope, parameters: AUTO })
  assert.equal(tokens.scope, scope)
  assert.equal(tokens.id_token, undefined)
})
