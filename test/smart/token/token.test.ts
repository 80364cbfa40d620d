import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BrokerError } from '../../../src/errors.ts'
import { resolveQuirks } from '../../../src/smart/quirks.ts'
import { exchangeCode } from '../../../src/smart/token/token.ts'
import type {
  AuthorizationServer,
  PendingLaunch,
  Registration,
  TokenSet,
} from '../../../src/smart/types.ts'
import { type Answer, answerWith, start } from '../answers.ts'
import { buildClaims, makeEhrKey, nonce, publish, sign } from '../ehr-keys.ts'

const ec = makeEhrKey('ec')
const keys = publish([ec])
const good = {
  access_token: 'at',
  token_type: 'Bearer',
  scope: 'launch openid patient/*.rs',
  expires_in: 600,
}

const pending: PendingLaunch = {
  launchId: 'l',
  ehr: 'general',
  kind: 'ehr',
  iss: 'https://ehr.test/fhir/r4',
  codeVerifier: 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk',
  nonce,
  returnTo: '/',
  redirectUri: 'https://app.test/redirect',
  expiresAt: start + 600_000,
}

interface Asked {
  registration?: Partial<Registration>
  server?: Partial<AuthorizationServer>
  pending?: Partial<PendingLaunch>
  code?: string
}

async function exchange(answer: Answer | Error, asked: Asked = {}): Promise<TokenSet> {
  const { call } = answerWith([answer], { keys, ...asked })
  return await exchangeCode(
    { code: asked.code ?? 'c', pending: { ...pending, ...asked.pending } },
    call,
  )
}

const withIdToken = async (claims: Record<string, unknown> = {}, members: object = {}) => ({
  body: { ...good, id_token: await sign(buildClaims(claims), ec), ...members },
})

async function refuse(answer: Answer | Error, code: string, asked?: Asked): Promise<BrokerError> {
  return await exchange(answer, asked).then(
    () => assert.fail(`not refused: ${JSON.stringify(answer)}`),
    (error: BrokerError) => {
      assert.equal(error.code, code)
      assert.equal(error.ehr, 'general')
      return error
    },
  )
}

test('[AL-41, AL-43, AL-44] sends the code once, with the same redirect URI and the verifier', async () => {
  const { call, sent } = answerWith([{ body: good }], { keys })
  await exchangeCode({ code: 'a+b/&=% c', pending }, call)
  assert.equal(sent.length, 1)
  const [{ url, headers, body }] = sent as [(typeof sent)[0]]
  assert.equal(url, 'https://ehr.test/oauth2/token')
  assert.equal(headers['content-type'], 'application/x-www-form-urlencoded;charset=UTF-8')
  assert.equal(headers.accept, 'application/json')
  assert.deepEqual(Object.fromEntries(body), {
    grant_type: 'authorization_code',
    code: 'a+b/&=% c',
    redirect_uri: pending.redirectUri,
    code_verifier: pending.codeVerifier,
  })
})

test("[AL-37, AL-38] every exchange carries the client's proof, never in the URL", async () => {
  const { call, sent } = answerWith([{ body: good }], { keys })
  await exchangeCode({ code: 'c', pending }, call)
  assert.match(sent[0]?.headers.authorization ?? '', /^Basic /)
  assert.ok(!sent[0]?.url.includes('?'))
})

test('[T2] asks for at most 64 KiB within ten seconds', async () => {
  const { call, sent } = answerWith([{ body: good }], { keys })
  await exchangeCode({ code: 'c', pending }, call)
  assert.deepEqual([sent[0]?.maxBytes, sent[0]?.timeoutMs], [65_536, 10_000])
})

test('[AL-01] sends no secret to a plain http address but on this machine', async () => {
  const { call, sent } = answerWith([{ body: good }], {
    server: { tokenEndpoint: 'http://ehr.test/token' },
  })
  await assert.rejects(exchangeCode({ code: 'c', pending }, call))
  assert.equal(sent.length, 0)
  const server = { tokenEndpoint: 'http://127.0.0.1:9/token' }
  assert.equal((await exchange({ body: good }, { server })).accessToken, 'at')
})

test('a token set has all that a session needs', async () => {
  const members = { patient: 'p1', encounter: 'e1', refresh_token: 'rt' }
  const tokens = await exchange(await withIdToken({ fhirUser: 'Practitioner/1' }, members))
  assert.deepEqual(
    { ...tokens, idToken: undefined, context: undefined, identity: undefined },
    {
      tokenType: 'Bearer',
      accessToken: 'at',
      accessTokenExpiresAt: start + 600_000,
      accessTokenLifetimeMs: 600_000,
      refreshToken: 'rt',
      requestedScope: 'launch openid fhirUser patient/*.rs',
      grantedScope: 'launch openid patient/*.rs',
      warnings: [],
      idToken: undefined,
      context: undefined,
      identity: undefined,
    },
  )
  assert.deepEqual([tokens.context.patient, tokens.context.encounter], ['p1', 'e1'])
  assert.equal(tokens.identity?.fhirUser, 'https://ehr.test/fhir/r4/Practitioner/1')
})

test('[Q5, T7] a missing scope means as requested; a granted one is kept as it is', async () => {
  const { grantedScope } = await exchange({ body: { ...good, scope: undefined } })
  assert.equal(grantedScope, 'launch openid fhirUser patient/*.rs')
  const empty = await exchange({ body: { ...good, scope: '' } })
  assert.equal(empty.grantedScope, grantedScope)
})

test('[SC-33] an id_token that was asked for and is missing is told', async () => {
  assert.deepEqual((await exchange({ body: { ...good, patient: '1' } })).warnings, [
    'id_token missing',
  ])
  const unasked = { registration: { scope: 'launch patient/*.rs' }, pending: { nonce: undefined } }
  assert.deepEqual((await exchange({ body: { ...good, patient: '1' } }, unasked)).warnings, [])
})

test('[CF-07] `require` wants an id_token, `ignore` takes none for true', async () => {
  await refuse({ body: good }, 'bad_id_token', { registration: { idToken: 'require' } })
  const ignoring = { registration: { idToken: 'ignore' }, pending: { nonce: undefined } } as const
  for (const id_token of ['junk', await sign(buildClaims(), ec)]) {
    const tokens = await exchange({ body: { ...good, id_token } }, ignoring)
    assert.deepEqual([tokens.identity, tokens.idToken], [undefined, undefined])
  }
})

test('an id_token that was not asked for counts for nothing', async () => {
  const unasked = { registration: { scope: 'launch patient/*.rs' }, pending: { nonce: undefined } }
  const { identity } = await exchange(await withIdToken(), unasked)
  assert.equal(identity, undefined)
})

test('[SC-35, T11] an id_token of another login makes no session', async () => {
  await refuse(await withIdToken({ nonce: 'another' }), 'bad_id_token')
  await refuse({ body: { ...good, id_token: 'junk' } }, 'bad_id_token')
})

test('[SC-08] patient scopes without a patient are told, or refused where one is required', async () => {
  const { warnings } = await exchange(await withIdToken())
  assert.deepEqual(warnings, ['patient missing'])
  const requiring = { registration: { requirePatient: true } }
  await refuse(await withIdToken(), 'missing_patient', requiring)
  await refuse(await withIdToken({}, { patient: '../x' }), 'missing_patient', requiring)
  const users = await withIdToken({}, { scope: 'launch openid user/*.rs' })
  assert.deepEqual((await exchange(users)).warnings, [])
})

test('the patient is taken from a verified fhirUser by its quirk alone', async () => {
  const answer = await withIdToken({ fhirUser: 'Patient/7' })
  const registration = {
    quirks: resolveQuirks({ patientFromFhirUser: true }),
    requirePatient: true,
  }
  assert.equal((await exchange(answer, { registration })).context.patient, '7')
  assert.equal((await exchange(answer)).context.patient, undefined)
  const practitioner = await withIdToken({ fhirUser: 'Practitioner/7' })
  await refuse(practitioner, 'missing_patient', { registration })
  const named = await withIdToken({ fhirUser: 'Patient/7' }, { patient: '8' })
  assert.equal((await exchange(named, { registration })).context.patient, '8')
})

test('[T10, AS-33] each failure has its code, and the code is never sent again', async () => {
  const table: [Answer, string][] = [
    [{ status: 400, body: { error: 'invalid_grant' } }, 'token_refused'],
    [{ status: 500, body: { error: 'invalid_grant', expires_in: 0 } }, 'token_refused'],
    [{ status: 200, body: { error: 'invalid_request' } }, 'token_refused'],
    [{ status: 401, body: { error: 'invalid_client' } }, 'client_auth_failed'],
    [{ status: 401, body: 'Unauthorized' }, 'client_auth_failed'],
    [{ status: 429, headers: { 'retry-after': '9' } }, 'issuer_busy'],
    [{ status: 503, body: '<html>' }, 'issuer_busy'],
    [{ status: 200, body: '<html>' }, 'bad_token_response'],
    [{ status: 307 }, 'bad_token_response'],
    [{ status: 404, body: {} }, 'bad_token_response'],
  ]
  for (const [answer, code] of table) {
    const { call, sent } = answerWith([answer], { keys })
    await assert.rejects(exchangeCode({ code: 'c', pending }, call), { code, ehr: 'general' })
    assert.equal(sent.length, 1)
  }
  const busy = await refuse({ status: 429, headers: { 'retry-after': '9' } }, 'issuer_busy')
  assert.equal(busy.retryAfterSeconds, 9)
})

test('[T10] what the network says passes through with its code', async () => {
  await refuse(new BrokerError('issuer_timeout'), 'issuer_timeout')
  await refuse(new BrokerError('issuer_unreachable'), 'issuer_unreachable')
})

test('[AL-10, T10] no refusal carries a secret, a code or a word of the answer', async () => {
  const registration = { clientAuth: { method: 'client_secret_post', secret: 'LEAK' } } as const
  const leaky = { error: 'LEAK', error_description: 'LEAK', access_token: 'LEAK' }
  for (const answer of [
    ...[{ status: 400, body: leaky }, { status: 500, body: 'LEAK' }, { body: 'LEAK' }],
    ...[{ body: { ...good, id_token: 'LEAK' } }, { body: { ...good, access_token: 'LE AK' } }],
  ]) {
    const error = await exchange(answer, { registration, code: 'LEAK' }).then(
      () => assert.fail('refused'),
      (refusal: BrokerError) => refusal,
    )
    const { message, detail, stack, cause } = error
    assert.ok(!JSON.stringify([message, detail, stack, cause]).includes('LEAK'))
  }
})

test('[AL-48, Q6] a token of unknown life that cannot be renewed is used until the EHR refuses it', async () => {
  for (const expires_in of [undefined, 0, 'soon']) {
    const lifeOf = async (members: object) => {
      const tokens = await exchange({ body: { ...good, expires_in, ...members } })
      assert.equal(tokens.accessTokenExpiresAt, start + tokens.accessTokenLifetimeMs)
      return tokens.accessTokenLifetimeMs / 1000
    }
    assert.equal(await lifeOf({}), 604_800)
    assert.equal(await lifeOf({ refresh_token: null }), 604_800)
    assert.equal(await lifeOf({ refresh_token: 'rt' }), 300)
  }
})

test('an answer in the charset that its type names is read, whatever members it has besides', async () => {
  const body = Buffer.from(JSON.stringify({ ...good, username: 'José', patient: 'amy' }), 'latin1')
  const typed = (type: string) => ({ body, headers: { 'content-type': type } })
  const tokens = await exchange(typed('application/json;charset=ISO-8859-1'))
  assert.deepEqual([tokens.accessToken, tokens.context.patient], ['at', 'amy'])
  await refuse(typed('application/json'), 'bad_token_response')
})
