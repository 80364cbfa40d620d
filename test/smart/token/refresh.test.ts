import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BrokerError } from '../../../src/errors.ts'
import { type RefreshOutcome, refreshTokens } from '../../../src/smart/token/refresh.ts'
import type { Registration, TokenSet } from '../../../src/smart/types.ts'
import { type Answer, answerWith, start } from '../answers.ts'
import { buildClaims, makeEhrKey, publish, sign } from '../ehr-keys.ts'

const ec = makeEhrKey('ec')
const keys = publish([ec])
const good = { access_token: 'at-2', token_type: 'Bearer', expires_in: 600 }

async function buildTokens(overrides: Partial<TokenSet> = {}): Promise<TokenSet> {
  return {
    tokenType: 'Bearer',
    accessToken: 'at-1',
    accessTokenExpiresAt: start - 1,
    accessTokenLifetimeMs: 300_000,
    refreshToken: 'rt-1',
    idToken: await sign(buildClaims(), ec),
    identity: { iss: 'https://ehr.test/oauth2', sub: 'user-1' },
    requestedScope: 'launch openid patient/*.rs offline_access',
    grantedScope: 'openid patient/*.rs',
    context: { patient: 'p1', fhirContext: [], needPatientBanner: true, extras: {} },
    warnings: [],
    ...overrides,
  }
}

async function refresh(
  answer: Answer | Error,
  {
    tokens,
    registration,
  }: { tokens?: Partial<TokenSet>; registration?: Partial<Registration> } = {},
): Promise<RefreshOutcome> {
  const { call } = answerWith([answer], { keys, registration })
  return await refreshTokens(await buildTokens(tokens), call)
}

async function renewed(...asked: Parameters<typeof refresh>): Promise<TokenSet> {
  const outcome = await refresh(...asked)
  assert.ok(outcome.outcome === 'renewed', JSON.stringify(outcome))
  return outcome.tokens
}

async function ended(...asked: Parameters<typeof refresh>) {
  const outcome = await refresh(...asked)
  assert.ok(outcome.outcome === 'ended', JSON.stringify(outcome))
  return outcome
}

test("[AL-57, AL-58, AL-59] sends the refresh token with the client's proof", async () => {
  const { call, sent } = answerWith([{ body: good }])
  await refreshTokens(await buildTokens(), call)
  const [request] = sent
  assert.match(request?.headers.authorization ?? '', /^Basic /)
  assert.equal(request?.url, 'https://ehr.test/oauth2/token')
  assert.equal(request?.body.get('grant_type'), 'refresh_token')
  assert.equal(request?.body.get('refresh_token'), 'rt-1')
})

test('[AL-60] asks for no scope: what was granted stays granted', async () => {
  const { call, sent } = answerWith([{ body: good }])
  await refreshTokens(await buildTokens(), call)
  assert.equal(sent[0]?.body.has('scope'), false)
})

test('[AL-61, Q7] a new refresh token replaces the old one, which is kept when none comes', async () => {
  assert.equal((await renewed({ body: { ...good, refresh_token: 'rt-2' } })).refreshToken, 'rt-2')
  assert.equal((await renewed({ body: good })).refreshToken, 'rt-1')
})

test('[AL-55] the new token has its own lifetime, from when it was asked for', async () => {
  const tokens = await renewed({ body: good })
  assert.equal(tokens.accessToken, 'at-2')
  assert.equal(tokens.accessTokenExpiresAt, start + 600_000)
  assert.equal(tokens.accessTokenLifetimeMs, 600_000)
})

test('[F9] a changed scope is taken over, a missing one changes nothing', async () => {
  assert.equal(
    (await renewed({ body: { ...good, scope: 'patient/A.rs' } })).grantedScope,
    'patient/A.rs',
  )
  assert.equal((await renewed({ body: good })).grantedScope, 'openid patient/*.rs')
})

test('[AL-62, AL-63, F9] another patient ends the session, the same one changes nothing', async () => {
  for (const patient of ['p1', 'Patient/p1', null, '', undefined]) {
    const { context } = await renewed({ body: { ...good, patient, encounter: 'e9', intent: 'x' } })
    assert.deepEqual(context, (await buildTokens()).context)
  }
  for (const patient of ['p2', 'P1', '../p1', 7, ['p1']]) {
    const outcome = await ended({ body: { ...good, patient, refresh_token: 'rt-2' } })
    assert.equal(outcome.reason, 'other patient')
    assert.equal(outcome.tokens?.refreshToken, 'rt-2', 'given back')
  }
})

test('a patient that comes with the refresh alone does not become the patient', async () => {
  const context = { fhirContext: [], needPatientBanner: true, extras: {} }
  const tokens = await renewed({ body: { ...good, patient: 'p2' } }, { tokens: { context } })
  assert.equal(tokens.context.patient, undefined)
})

test('[I14] an id_token of another issuer, user, client or login ends the session', async () => {
  const changes = [
    { iss: 'https://evil.test' },
    { sub: 'user-2' },
    { aud: 'other' },
    { nonce: 'other' },
  ]
  const evil = makeEhrKey('ec')
  for (const change of changes) {
    for (const key of [ec, evil]) {
      const id_token = await sign(buildClaims(change), key)
      const outcome = await ended({ body: { ...good, id_token } })
      assert.equal(outcome.reason, 'other user')
      assert.equal(outcome.tokens?.accessToken, 'at-2')
    }
  }
})

test('an id_token that lacks claims, or cannot be verified, is set aside and never loses a token', async () => {
  const before = await buildTokens()
  for (const id_token of [
    ...[
      'junk',
      await sign(buildClaims({ exp: undefined }), ec),
      await sign(buildClaims({ aud: undefined }), ec),
    ],
    ...[await sign(buildClaims({ exp: 1 }), ec), await sign(buildClaims(), makeEhrKey('ec'))],
  ]) {
    const body = { ...good, id_token, refresh_token: 'rt-2' }
    const tokens = await renewed({ body }, { tokens: before })
    assert.equal(tokens.refreshToken, 'rt-2')
    assert.equal(tokens.idToken, before.idToken)
    assert.deepEqual(tokens.identity, before.identity)
    assert.deepEqual(tokens.warnings, ['refreshed id_token set aside'])
  }
})

test('[I15] keys that cannot be had now do not end a session', async () => {
  const id_token = await sign(buildClaims({ nonce: undefined }), ec)
  const { call } = answerWith([{ body: { ...good, id_token } }], {
    keys: () => Promise.reject(new BrokerError('issuer_busy')),
  })
  const { outcome } = await refreshTokens(await buildTokens(), call)
  assert.equal(outcome, 'renewed')
})

test('an id_token that holds becomes the new hint for logging out', async () => {
  const id_token = await sign(
    buildClaims({ nonce: undefined, aud: ['fhirstorm'], name: 'New' }),
    ec,
  )
  const tokens = await renewed({ body: { ...good, id_token } })
  assert.equal(tokens.idToken, id_token)
  assert.equal(tokens.identity?.name, undefined)
  assert.deepEqual(tokens.warnings, [])
})

test('where identities are ignored, a refreshed one is too', async () => {
  const id_token = await sign(buildClaims({ sub: 'user-2' }), ec)
  const tokens = { idToken: undefined, identity: undefined }
  const { identity, idToken } = await renewed({ body: { ...good, id_token } }, { tokens })
  assert.deepEqual([identity, idToken], [undefined, undefined])
})

test('[F3, Q16] invalid_grant ends the session, whatever the status', async () => {
  for (const status of [200, 400, 401, 403, 500]) {
    const outcome = await ended({ status, body: { error: 'invalid_grant' } })
    assert.equal(outcome.reason, 'invalid_grant')
    assert.equal(outcome.tokens, undefined)
  }
})

test("[Q16] the EHR's advice is kept when it is a page of that EHR", async () => {
  const advice = async (error_uri: unknown) =>
    (await ended({ status: 400, body: { error: 'invalid_grant', error_uri } })).errorUri
  assert.equal(await advice('https://ehr.test/suspended?x=1'), 'https://ehr.test/suspended?x=1')
  for (const bad of [
    'https://evil.test/',
    'javascript:alert(1)',
    'http://ehr.test/',
    7,
    undefined,
  ]) {
    assert.equal(await advice(bad), undefined)
  }
})

test('[F4, F5] what may pass is thrown, and the session stays as it is', async () => {
  const table: [Answer | Error, string][] = [
    [{ status: 401, body: { error: 'invalid_client' } }, 'client_auth_failed'],
    [{ status: 401, headers: { 'www-authenticate': 'Basic realm="x"' } }, 'client_auth_failed'],
    [{ status: 503, headers: { 'retry-after': '17' } }, 'refresh_failed'],
    [{ status: 429 }, 'refresh_failed'],
    [{ status: 408 }, 'refresh_failed'],
    [{ status: 400, body: { error: 'server_error' } }, 'refresh_failed'],
    [{ status: 200, body: '<html>' }, 'refresh_failed'],
    [{ status: 200, body: { ...good, access_token: 'a b' } }, 'refresh_failed'],
    [new BrokerError('issuer_timeout'), 'issuer_timeout'],
    [new BrokerError('issuer_unreachable'), 'issuer_unreachable'],
  ]
  for (const [answer, code] of table) {
    await assert.rejects(refresh(answer), { code, ehr: 'general' }, JSON.stringify(answer))
  }
  await assert.rejects(refresh({ status: 503, headers: { 'retry-after': '17' } }), {
    retryAfterSeconds: 17,
  })
})

test('[Q30] a refusal in words of OAuth ends the session, one without them is told apart', async () => {
  for (const error of ['invalid_scope', 'unauthorized_client', 'vendor:name']) {
    const outcome = await ended({ status: 400, body: { error } })
    assert.equal(outcome.reason, 'refused')
    assert.doesNotMatch(outcome.detail ?? '', /vendor/)
  }
  for (const [status, body] of [
    [400, '<html>'],
    [401, { message: 'Unauthorized' }],
    [403, ''],
    [404, ''],
  ] as const) {
    assert.equal((await refresh({ status, body })).outcome, 'refused', `${status}`)
  }
})

test('[Q31] a good access token is kept, whatever the optional members beside it are', async () => {
  for (const junk of [null, '', 7, {}, [], 'a\u0000b']) {
    const members = { refresh_token: junk, id_token: junk, scope: junk, expires_in: junk }
    const tokens = await renewed({ body: { ...good, ...members } })
    assert.equal(tokens.accessToken, 'at-2')
    assert.equal(tokens.refreshToken, 'rt-1')
    assert.equal(tokens.grantedScope, 'openid patient/*.rs')
  }
})

test('[AS-19, AL-57] private_key_jwt makes a new assertion for each refresh', async () => {
  const { parseClientKeys } = await import('../../../src/smart/token/client-keys.ts')
  const jwk = JSON.stringify(makeEhrKey('ours').privateKey.export({ format: 'jwk' }))
  const clientAuth = { method: 'private_key_jwt', keys: await parseClientKeys(jwk) } as const
  const { call, sent } = answerWith([{ body: good }], { registration: { clientAuth } })
  const tokens = await buildTokens()
  await refreshTokens(tokens, call)
  await refreshTokens(tokens, call)
  const assertions = sent.map(({ body }) => body.get('client_assertion'))
  assert.ok(assertions[0] && assertions[1] && assertions[0] !== assertions[1])
  assert.ok(sent.every(({ headers }) => headers.authorization === undefined))
})
