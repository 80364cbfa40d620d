// Faces with habits of authorizations, renewals and logouts.

import assert from 'node:assert/strict'
import { text } from 'node:stream/consumers'
import { after, before, test } from 'node:test'
import { createRemoteJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose'
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts'
import { tutorialClient } from '../../sandbox/tutorial-client.ts'
import { listen } from '../network/listen.ts'
import { createBrowser } from '../world/browser.ts'
import { APP_URL, createApp, json, type Tokens } from './app.ts'

const AMY = { parameters: { patient: 'amy-shaw', auto: '1' } }

let sandbox: Sandbox
before(async () => {
  sandbox = await startSandbox({ port: 0, appUrl: APP_URL })
})
after(() => sandbox.close())

const login = (face: string) => createApp(sandbox, face).login(createBrowser(), AMY)

/** The answer to the first renewal at a face, and to the second with what is known then. */
async function renew(face: string) {
  const app = createApp(sandbox, face)
  const { refresh_token: token } = await login(face)
  const first = await app.refresh(token)
  const words = await first.text()
  return { first, words, second: await app.refresh(token) }
}

const refusals: [face: string, status: number, pattern: RegExp][] = [
  ['renewal-invalid-request', 400, /"error":"invalid_request"/],
  ['renewal-message-401', 401, /^\{"message":"Unauthorized"\}$/],
  ['renewal-401-empty', 401, /^$/],
  ['renewal-403', 403, /<h1>/],
  ['renewal-403-denied', 403, /"error":"access_denied"/],
  ['renewal-vendor-error', 400, /"error":"urn:ehr\.example:/],
  ['renewal-interaction-required', 400, /"error":"interaction_required"/],
  ['renewal-login-required', 400, /"error":"login_required"/],
  ['renewal-invalid-scope', 400, /"error":"invalid_scope"/],
  ['renewal-unauthorized-client', 400, /"error":"unauthorized_client"/],
  ['renewal-unsupported', 400, /"error":"unsupported_grant_type"/],
  ['renewal-400-html', 400, /<h1>/],
  ['renewal-404', 404, /<h1>/],
  ['renewal-error-200', 200, /"error":"invalid_grant"/],
]
for (const [face, status, pattern] of refusals) {
  test(`${face} logs in, and refuses each renewal`, async () => {
    const { first, words, second } = await renew(face)
    assert.equal(first.status, status)
    assert.match(words, pattern)
    assert.equal(second.status, status)
  })
}

const pauses: [face: string, status: number, retryAfter: RegExp][] = [
  ['renewal-503-retry-after', 503, /^1$/],
  ['renewal-503-retry-date', 503, /GMT$/],
  ['renewal-429-retry-after', 429, /^2$/],
]
for (const [face, status, retryAfter] of pauses) {
  test(`${face} asks for a pause once, and then renews with the same token`, async () => {
    const { first, second } = await renew(face)
    assert.equal(first.status, status)
    assert.match(first.headers.get('retry-after') ?? '', retryAfter)
    assert.equal(second.status, 200)
  })
}

test('renewal-503-retry-hour is down each time, and says for how long', async () => {
  const { first, second } = await renew('renewal-503-retry-hour')
  assert.deepEqual([first.status, second.status], [503, 503])
  assert.equal(first.headers.get('retry-after'), '3600')
})

test('renewal-refresh-null and renewal-refresh-empty keep the refresh token', async () => {
  for (const [face, told] of [
    ['renewal-refresh-null', null],
    ['renewal-refresh-empty', ''],
  ] as const) {
    const { words, second } = await renew(face)
    assert.equal(JSON.parse(words).refresh_token, told)
    const app = createApp(sandbox, face)
    const { access_token: token } = await json<Tokens>(second)
    assert.equal((await app.fhir(token, '/Patient/amy-shaw')).status, 200)
  }
})

test('renewal-nulls and renewal-empties tell a good access token', async () => {
  for (const [face, told] of [
    ['renewal-nulls', null],
    ['renewal-empties', ''],
  ] as const) {
    const app = createApp(sandbox, face)
    const renewed = await json(app.refresh((await login(face)).refresh_token))
    const { access_token: token, scope, id_token: idToken, patient } = renewed
    assert.deepEqual([scope, idToken, patient], [told, told, told])
    assert.equal((await app.fhir(String(token), '/Patient/amy-shaw')).status, 200)
  }
})

const errors: [face: string, error: string][] = [
  ['authorize-invalid-scope', 'invalid_scope'],
  ['authorize-unauthorized-client', 'unauthorized_client'],
  ['authorize-access-denied', 'access_denied'],
  ['authorize-login-required', 'login_required'],
  ['authorize-unsupported-response-type', 'unsupported_response_type'],
  ['authorize-server-error', 'server_error'],
  ['authorize-vendor-error', 'urn:ehr.example:no-licence'],
]
for (const [face, error] of errors) {
  test(`${face} sends the request back at once, with its state`, async () => {
    const app = createApp(sandbox, face)
    const { url, state } = app.request()
    const browser = createBrowser()
    const { searchParams } = await app.authorize(browser, url)
    assert.deepEqual([searchParams.get('error'), searchParams.get('state')], [error, state])
    assert.equal(browser.history.length, 1, 'no page was shown')
  })
}

test('callback-denied-no-state sends an error back and nothing to know the login by', async () => {
  const app = createApp(sandbox, 'callback-denied-no-state')
  const { searchParams } = await app.authorize(createBrowser(), app.request(AMY).url)
  assert.deepEqual([...searchParams.keys()], ['error'])
})

const patients: [face: string, patient: unknown][] = [
  ['patient-missing', undefined],
  ['patient-null', null],
  ['patient-empty', ''],
  ['patient-reference', 'Patient/amy-shaw'],
  ['patient-versioned', 'Patient/amy-shaw/_history/1'],
  ['patient-url-foreign', 'https://evil.example/fhir/Patient/amy-shaw'],
  ['patient-object', { reference: 'Patient/amy-shaw' }],
  ['patient-number', 4711],
  ['patient-underscore', 'Z6129_7'],
  ['patient-climbing', '../Practitioner/maria-rivera'],
  ['patient-other-type', 'Practitioner/maria-rivera'],
  ['patient-long', 'p'.repeat(200)],
]
for (const [face, patient] of patients) {
  test(`${face} tells the patient so`, async () => {
    assert.deepEqual((await login(face)).patient, patient)
  })
}

test('patient-url is below the FHIR base, and patient-number-long beyond what JavaScript counts', async () => {
  assert.equal(
    (await login('patient-url')).patient,
    `${sandbox.base('patient-url')}/Patient/amy-shaw`,
  )
  const app = createApp(sandbox, 'patient-number-long')
  const { url, verifier } = app.request(AMY)
  const callback = await app.authorize(createBrowser(), url)
  const answer = await app.exchange(callback.searchParams.get('code') ?? '', verifier)
  assert.match(await answer.text(), /"patient":90071992547409931234/)
})

test('id_tokens of 10, 20 and 60 KB verify', async () => {
  const keys = createRemoteJWKSet(new URL(`${sandbox.url}/oauth/jwks`))
  for (const kilobytes of [10, 20, 60]) {
    const { id_token: token } = await login(`id-token-${kilobytes}k`)
    assert.ok(token.length >= kilobytes * 1024, `${token.length}`)
    assert.ok(token.length < kilobytes * 1024 * 1.5, `${token.length}`)
    const { payload } = await jwtVerify(token, keys, { issuer: sandbox.url })
    assert.equal(payload.sub, 'practitioner')
  }
})

const logouts: [face: string, typ: string | undefined][] = [
  ['r4', 'logout+jwt'],
  ['logout-typ-jwt', 'JWT'],
  ['logout-typ-none', undefined],
  ['logout-typ-capitals', 'LOGOUT+JWT'],
  ['logout-typ-full', 'application/logout+jwt'],
  ['logout-typ-access', 'at+jwt'],
  ['logout-nonce', 'logout+jwt'],
  ['logout-no-exp', 'logout+jwt'],
]
for (const [face, typ] of logouts) {
  test(`${face} tells the app of a logout with typ ${typ ?? 'missing'}`, async t => {
    const told: string[] = []
    const app = await listen(t, async (request, response) => {
      told.push(new URLSearchParams(await text(request)).get('logout_token') ?? '')
      response.end()
    })
    await sandbox.register({
      clientId: tutorialClient.id,
      method: 'client_secret_basic',
      secret: tutorialClient.secret,
      redirectUris: [`${APP_URL}/redirect`],
      backchannelLogoutUri: `${app.origin}/backchannel-logout`,
    })
    const { id_token: idToken } = await login(face)
    await sandbox.logout('practitioner')
    const own = told.filter(token => decodeJwt(token).sid === decodeJwt(idToken).sid)
    assert.equal(own.length, 1)
    const [token = ''] = own
    assert.equal(decodeProtectedHeader(token).typ, typ)
    const keys = createRemoteJWKSet(new URL(`${sandbox.url}/oauth/jwks`))
    const { payload } = await jwtVerify(token, keys, { audience: tutorialClient.id })
    assert.deepEqual(payload.events, { 'http://schemas.openid.net/event/backchannel-logout': {} })
    assert.equal('nonce' in payload, face === 'logout-nonce')
    assert.equal('exp' in payload, face !== 'logout-no-exp')
  })
}
