// The rules against a real authorization server: PKCE, every client authentication, rotation with
// reuse detection, revocation, pushed requests and back-channel logout, over real HTTP.

import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, type TestContext, test } from 'node:test'
import type { JWK } from 'jose'
import { tutorialClient } from '../../sandbox/authorization/clients.ts'
import { startSandbox } from '../../sandbox/sandbox.ts'
import { buildEndSessionUrl } from '../../src/smart/identity/end-session.ts'
import { verifyLogoutToken } from '../../src/smart/identity/logout-token.ts'
import { parseCallbackQuery, verifyCallback } from '../../src/smart/launch/callback.ts'
import { resolveQuirks } from '../../src/smart/quirks.ts'
import { missingScopes } from '../../src/smart/scope/scope-set.ts'
import { buildPublicKeySet, parseClientKeys } from '../../src/smart/token/client-keys.ts'
import { refreshTokens } from '../../src/smart/token/refresh.ts'
import { revokeTokens } from '../../src/smart/token/revocation.ts'
import { exchangeCode } from '../../src/smart/token/token.ts'
import type { Registration, TokenSet } from '../../src/smart/types.ts'
import { APP_URL, type Client, createClient } from './client.ts'

const sandbox = await startSandbox({ port: 0, appUrl: APP_URL })
after(() => sandbox.close())

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
const ec = generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey
const keys = await parseClientKeys(
  JSON.stringify({
    keys: [
      { ...rsa.export({ format: 'jwk' }), kid: 'rsa' },
      { ...ec.export({ format: 'jwk' }), kid: 'ec' },
    ],
  }),
)
const redirectUris = [`${APP_URL}/redirect`]
const { keys: jwks } = buildPublicKeySet(keys)
await sandbox.register({
  clientId: 'with-keys',
  method: 'private_key_jwt',
  jwks: { keys: jwks as unknown as JWK[] },
  redirectUris,
})
await sandbox.register({
  clientId: 'with-post',
  method: 'client_secret_post',
  secret: 's&=+ %:x',
  redirectUris,
})
await sandbox.register({
  clientId: 'odd:client id',
  method: 'client_secret_basic',
  secret: 's&=+ %:x-_.~',
  redirectUris,
})

async function open(
  t: TestContext,
  face: string,
  overrides?: Partial<Registration>,
): Promise<Client> {
  const client = await createClient(sandbox, face, overrides)
  t.after(() => client.close())
  return client
}

async function renew(client: Client, tokens: TokenSet): Promise<TokenSet> {
  const outcome = await refreshTokens(tokens, client.call)
  assert.ok(outcome.outcome === 'renewed', JSON.stringify(outcome))
  return outcome.tokens
}

test('[AL-33, SC-20, SC-33] a standalone login ends with tokens, a patient and a user', async t => {
  const client = await open(t, 'r4')
  const tokens = await client.login()
  assert.equal(tokens.context.patient, 'amy-shaw')
  assert.equal(tokens.identity?.fhirUser, `${sandbox.base('r4')}/Practitioner/maria-rivera`)
  assert.deepEqual(missingScopes(tokens.requestedScope, tokens.grantedScope), [])
  assert.deepEqual(tokens.warnings, [])
  assert.equal(client.tokenRequests.length, 1)
})

test('[SC-18, AL-49, SC-25] an EHR launch brings the context that the EHR gave it', async t => {
  const client = await open(t, 'r4')
  const launch = sandbox.launch({
    patient: 'hiro-tanaka',
    auto: 'grant',
    intent: 'order-review',
    tenant: 'ward-7',
    needPatientBanner: false,
    smartStyleUrl: 'https://ehr.test/style.json',
    fhirContext: [{ reference: 'ImagingStudy/1' }],
  })
  const { context } = await client.login({ launch })
  assert.deepEqual(JSON.parse(JSON.stringify(context)), {
    patient: 'hiro-tanaka',
    fhirContext: [{ reference: 'ImagingStudy/1', role: 'launch' }],
    intent: 'order-review',
    needPatientBanner: false,
    smartStyleUrl: 'https://ehr.test/style.json',
    tenant: 'ward-7',
    extras: {},
  })
})

test("the tutorial's DSTU2 login works, with v1 scopes and metadata alone", async t => {
  const client = await open(t, 'dstu2', {
    scope: 'launch patient/*.* openid profile offline_access launch/patient',
    issuers: [sandbox.url],
  })
  const tokens = await client.login()
  assert.equal(tokens.context.patient, 'amy-shaw')
  assert.ok(tokens.refreshToken)
  await renew(client, tokens)
})

test('[AL-40, SY-01, Q11] Basic with odd characters, and the secret in the body, both log in', async t => {
  for (const [clientId, method, secret] of [
    ['odd:client id', 'client_secret_basic', 's&=+ %:x-_.~'],
    ['with-post', 'client_secret_post', 's&=+ %:x'],
  ] as const) {
    const client = await open(t, 'r4', { clientId, clientAuth: { method, secret } })
    const tokens = await client.login()
    await renew(client, tokens)
  }
})

test('[AS-11, AS-20, AL-57] RS384 and ES384 assertions log in and renew', async t => {
  for (const [face, alg] of [
    ['rs384-only', undefined],
    ['es384-only', undefined],
    ['r4', 'RS384'],
    ['r4', 'ES384'],
  ] as const) {
    const clientAuth = { method: 'private_key_jwt', keys, alg } as const
    const client = await open(t, face, { clientId: 'with-keys', clientAuth })
    await renew(client, await client.login())
    const assertions = client.tokenRequests.map(body => body.get('client_assertion'))
    assert.equal(new Set(assertions).size, 2, 'one for each request')
  }
})

test('[AS-32, AS-33] no algorithm in common is told before anything is sent', async t => {
  const clientAuth = { method: 'private_key_jwt', keys: keys.slice(1) } as const
  const client = await open(t, 'rs384-only', { clientId: 'with-keys', clientAuth })
  await assert.rejects(client.login(), { code: 'client_auth_failed' })
  assert.equal(client.tokenRequests.length, 0)
})

test('[AS-33] a wrong secret is a fault of ours, without a second try', async t => {
  const { clientId } = tutorialClient(APP_URL, [])
  const clientAuth = { method: 'client_secret_basic', secret: 'wrong' } as const
  const client = await open(t, 'r4', { clientId, clientAuth })
  await assert.rejects(client.login(), { code: 'client_auth_failed', status: 503 })
  assert.equal(client.tokenRequests.length, 1)
})

test('[C1, AL-44] a stolen code without its verifier opens nothing', async t => {
  const client = await open(t, 'r4')
  const [mine, theirs] = [await client.authorize(), await client.authorize()]
  const code = theirs.callback.searchParams.get('code') ?? ''
  await assert.rejects(exchangeCode({ code, pending: mine.pending }, client.call), {
    code: 'token_refused',
  })
})

test('[AL-42, Q18] a code works once', async t => {
  const client = await open(t, 'r4')
  const { callback, pending } = await client.authorize()
  const grant = { code: callback.searchParams.get('code') ?? '', pending }
  await exchangeCode(grant, client.call)
  await assert.rejects(exchangeCode(grant, client.call), { code: 'token_refused' })
})

test('[AL-36] a denial comes back as its code', async t => {
  const client = await open(t, 'r4')
  const { callback, pending } = await client.authorize({ auto: 'deny' })
  const query = parseCallbackQuery(callback.search.slice(1))
  const verified = verifyCallback(query, pending, client.call)
  assert.ok(verified.outcome === 'refused')
  assert.equal(verified.error, 'access_denied')
})

test('[C2, C3] the code of one server is not taken for the login of another', async t => {
  const honest = await open(t, 'r4')
  const { callback } = await honest.authorize()
  const other = await open(t, 'issuer-mismatch', { issuers: ['https://honest.example'] })
  const { pending } = await other.authorize()
  const query = parseCallbackQuery(callback.search.slice(1))
  assert.throws(() => verifyCallback(query, pending, other.call), { code: 'issuer_mismatch' })
  assert.equal(other.tokenRequests.length, 0)
})

test('[AL-61, BP-01, F3] refresh tokens rotate, and the second use of one ends the grant', async t => {
  const client = await open(t, 'r4')
  const first = await client.login()
  const second = await renew(client, first)
  assert.notEqual(second.refreshToken, first.refreshToken)
  const third = await renew(client, second)
  assert.deepEqual(third.context, first.context)
  const reused = await refreshTokens(first, client.call)
  assert.deepEqual(
    [reused.outcome, 'reason' in reused && reused.reason],
    ['ended', 'invalid_grant'],
  )
  assert.equal((await refreshTokens(third, client.call)).outcome, 'ended')
})

test('[O1] revoked tokens are good for nothing', async t => {
  const client = await open(t, 'r4')
  const tokens = await client.login()
  const call = (token: string) =>
    fetch(`${sandbox.base('r4')}/Patient/amy-shaw`, {
      headers: { authorization: `Bearer ${token}` },
    })
  const before = await call(tokens.accessToken)
  await before.text()
  assert.equal(before.status, 200)
  assert.equal(await revokeTokens(tokens, client.call), 'revoked')
  const afterwards = await call(tokens.accessToken)
  await afterwards.text()
  assert.equal(afterwards.status, 401)
  assert.equal((await refreshTokens(tokens, client.call)).outcome, 'ended')
})

test('pushed authorization requests leave nothing in the address but their name', async t => {
  const client = await open(t, 'par')
  const { url, callback } = await client.authorize()
  assert.deepEqual([...new URL(url).searchParams.keys()].sort(), ['client_id', 'request_uri'])
  assert.ok(callback.searchParams.get('code'))
  assert.equal((await client.login()).context.patient, 'amy-shaw')
})

test("[O5, O4] the EHR's own logout token holds once made, and names the session of the login", async t => {
  const received = Promise.withResolvers<string>()
  const listener = createServer(async (req, res) => {
    let body = ''
    for await (const chunk of req) body += chunk
    res.end()
    received.resolve(new URLSearchParams(body).get('logout_token') ?? '')
  })
  await new Promise<void>(resolve => listener.listen(0, '127.0.0.1', resolve))
  t.after(() => listener.close())
  const { port } = listener.address() as AddressInfo
  const clientId = 'told-of-logouts'
  const secret = 'a-secret'
  const backchannelLogoutUri = `http://127.0.0.1:${port}/`
  await sandbox.register({
    ...{ clientId, secret, redirectUris, backchannelLogoutUri },
    method: 'client_secret_basic',
  })
  const clientAuth = { method: 'client_secret_basic', secret } as const
  const client = await open(t, 'r4', { clientId, clientAuth })
  const { identity } = await client.login({ user: 'nurse' })
  await sandbox.logout('nurse')
  const token = await verifyLogoutToken(await received.promise, client.call)
  assert.equal(token.sid, identity?.sid)
  assert.ok(token.sid)
  const other = { ...client.call, registration: { ...client.registration, clientId: 'other' } }
  await assert.rejects(verifyLogoutToken(await received.promise, other), {
    code: 'logout_token_invalid',
  })
})

test("[O1] the end-session address is the server's own and is taken there", async t => {
  const client = await open(t, 'r4')
  const { idToken } = await client.login()
  const { server, registration } = client.call
  const url = buildEndSessionUrl(server, registration, {
    idToken,
    postLogoutRedirectUri: `${APP_URL}/`,
  })
  const response = await fetch(url ?? assert.fail('no end-session URL'))
  await response.text()
  assert.equal(response.status, 200)
})

test('[AL-45] client_id in the body beside Basic is the quirk of one EHR alone', async t => {
  const quirks = resolveQuirks({ includeClientIdInBody: true })
  for (const [overrides, inBody] of [
    [{}, false],
    [{ quirks }, true],
  ] as const) {
    const client = await open(t, 'r4', overrides)
    await client.login()
    assert.equal(client.tokenRequests[0]?.has('client_id'), inBody)
  }
})
