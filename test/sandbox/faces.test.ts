import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { decodeJwt, decodeProtectedHeader } from 'jose'
import type { Face } from '../../sandbox/faces/face.ts'
import { faces } from '../../sandbox/faces/faces.ts'
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts'
import { createBrowser } from '../world/browser.ts'
import { APP_URL, createApp, json, type Tokens } from './app.ts'

const AMY = { parameters: { patient: 'amy-shaw', auto: '1' } }

let sandbox: Sandbox
before(async () => {
  sandbox = await startSandbox({
    port: 0,
    appUrl: APP_URL,
    faces: [
      { name: 'of-the-test', about: 'A further one.', token: () => ({ status: 418, headers: {} }) },
    ],
  })
})
after(() => sandbox.close())

/** The answer of a face to the exchange of a real code. */
async function exchangeAt(face: string): Promise<Response> {
  const app = createApp(sandbox, face)
  const { url, verifier } = app.request(AMY)
  const callback = await app.authorize(createBrowser(), url)
  return await app.exchange(callback.searchParams.get('code') ?? '', verifier)
}

const login = (face: string) => createApp(sandbox, face).login(createBrowser(), AMY)

/** Whether a face changes nothing of logins and FHIR answers. */
function isPlain({ beforeToken, token, callback, fhir, connection, ...face }: Face): boolean {
  const changed =
    beforeToken ?? token ?? callback ?? fhir ?? connection ?? face.refusesAuthorization
  return changed === undefined
}

test('every face without a fault of its own logs in and reads', async () => {
  const scope = 'patient/Patient.read openid'
  for (const { name, refusesAudience } of faces.filter(isPlain)) {
    const parameters = { ...AMY.parameters, ...(refusesAudience ? { aud: undefined } : {}) }
    const app = createApp(sandbox, name)
    const tokens = await app.login(createBrowser(), { scope, parameters })
    const response = await app.fhir(tokens.access_token, '/Patient/amy-shaw')
    assert.equal(response.status, 200, name)
  }
})

test('every face that changes token answers does so to a real one', async () => {
  const unreadable = /slow|huge|truncated|gzip|deflate|^br-|coding-/
  const quick = faces.filter(({ name }) => !unreadable.test(name))
  for (const { name } of quick.filter(({ token, beforeToken }) => token ?? beforeToken)) {
    const response = await exchangeAt(name)
    assert.notEqual(response.status, 404, name)
    await response.text()
  }
})

test('a face of a test stands beside the named ones', async () => {
  assert.equal((await exchangeAt('of-the-test')).status, 418)
})

const members: [face: string, member: keyof Tokens, expected: unknown][] = [
  ['expires-in-text', 'expires_in', '3600'],
  ['expires-in-missing', 'expires_in', undefined],
  ['token-type-missing', 'token_type', undefined],
  ['scope-missing', 'scope', undefined],
  ['id-token-missing', 'id_token', undefined],
  ['banner-text', 'need_patient_banner', 'true'],
]
for (const [face, member, expected] of members) {
  test(`${face}: ${faces.find(({ name }) => name === face)?.about}`, async () => {
    assert.deepEqual((await login(face))[member], expected)
  })
}

const identities: [face: string, (claims: Record<string, unknown>) => boolean][] = [
  ['id-token-nonce', ({ nonce }) => nonce === 'another'],
  ['id-token-aud', ({ aud }) => aud === 'another-client'],
  ['id-token-iss', ({ iss }) => iss === 'https://honest.example'],
  ['id-token-expired', ({ exp }) => Number(exp) * 1000 < Date.now()],
  ['fhir-user-relative', ({ fhirUser }) => fhirUser === 'Practitioner/maria-rivera'],
  [
    'fhir-user-profile',
    ({ fhirUser, profile }) => !fhirUser && profile === 'Practitioner/maria-rivera',
  ],
]
for (const [face, holds] of identities) {
  test(`${face} has the claims that it says`, async () => {
    assert.ok(holds(decodeJwt((await login(face)).id_token)))
  })
}

test('id_tokens come without a signature, and with a wrong one', async () => {
  for (const [face, alg] of [
    ['id-token-alg-none', 'none'],
    ['id-token-hs256', 'HS256'],
  ] as const) {
    assert.equal(decodeProtectedHeader((await login(face)).id_token).alg, alg)
  }
})

test('no-rotation keeps the refresh token and does not tell it again', async () => {
  const app = createApp(sandbox, 'no-rotation')
  const { refresh_token: token } = await login('no-rotation')
  for (let round = 0; round < 3; round++) {
    const renewed = await json<Tokens>(app.refresh(token))
    assert.equal(renewed.refresh_token, undefined)
    assert.equal(renewed.patient, 'amy-shaw')
  }
})

test('renewal-503-once fails once for each login, and no token is used up', async () => {
  const app = createApp(sandbox, 'renewal-503-once')
  for (const tokens of [await login('renewal-503-once'), await login('renewal-503-once')]) {
    assert.equal((await app.refresh(tokens.refresh_token)).status, 503)
    assert.equal((await app.refresh(tokens.refresh_token)).status, 200)
  }
})

test('renewal-lost uses the refresh token up and loses the answer', async () => {
  const app = createApp(sandbox, 'renewal-lost')
  const tokens = await login('renewal-lost')
  assert.equal((await app.refresh(tokens.refresh_token)).status, 502)
  assert.equal((await json(app.refresh(tokens.refresh_token))).error, 'invalid_grant')
})

test('renewal-other-patient changes the patient', async () => {
  const app = createApp(sandbox, 'renewal-other-patient')
  const tokens = await login('renewal-other-patient')
  assert.equal((await json(app.refresh(tokens.refresh_token))).patient, 'hiro-tanaka')
})

test('callbacks lose and change their parameters', async () => {
  const back = async (face: string) => {
    const app = createApp(sandbox, face)
    return (await app.authorize(createBrowser(), app.request(AMY).url)).searchParams
  }
  assert.equal((await back('callback-no-iss')).get('iss'), null)
  assert.equal((await back('callback-no-state')).get('state'), null)
  assert.equal((await back('callback-twice')).getAll('code').length, 2)
  assert.equal((await back('callback-unavailable')).get('error'), 'temporarily_unavailable')
})

test('v1-scopes refuses scopes of v2', async () => {
  const app = createApp(sandbox, 'v1-scopes')
  const { url } = app.request({ ...AMY, scope: 'launch/patient patient/*.rs' })
  const callback = await app.authorize(createBrowser(), url)
  assert.equal(callback.searchParams.get('error'), 'invalid_scope')
})

test('huge answers are as large as they say', async () => {
  for (const [url, megabytes] of [
    [`${sandbox.base('huge')}/metadata`, 30],
    [`${sandbox.base('huge-well-known')}/.well-known/smart-configuration`, 30],
  ] as const) {
    let length = 0
    for await (const chunk of (await fetch(url)).body ?? []) length += chunk.length
    assert.ok(length > megabytes * 1024 * 1024)
  }
  let length = 0
  for await (const chunk of (await exchangeAt('token-huge')).body ?? []) length += chunk.length
  assert.ok(length > 26 * 1024 * 1024)
})

test('truncated answers break off', async () => {
  const url = `${sandbox.base('truncated')}/.well-known/smart-configuration`
  await assert.rejects(fetch(url).then(response => response.text()))
  await assert.rejects(exchangeAt('token-truncated').then(response => response.text()))
})

test('FHIR answers carry what their face says', async () => {
  const call = async (face: string, path = '/Patient/amy-shaw') =>
    createApp(sandbox, face).fhir((await login(face)).access_token, path)
  assert.equal((await call('fhir-401')).status, 401)
  assert.match((await call('fhir-html')).headers.get('content-type') ?? '', /html/)
  assert.equal((await call('fhir-redirect')).status, 302)
  assert.equal((await call('fhir-headers')).headers.getSetCookie().length, 2)
  assert.equal((await json(call('fhir-gzip'))).id, 'amy-shaw')
  await assert.rejects(call('fhir-truncated').then(response => response.text()))
  const alias = await json<{ link: { url: string }[] }>(call('fhir-alias', '/Observation?_count=1'))
  assert.match(alias.link[0]?.url ?? '', /^http:\/\/ehr\.internal\/fhir\//)
  assert.match(await (await call('fhir-escaped', '/Observation?_count=1')).text(), /http:\\\/\\\//)
})
