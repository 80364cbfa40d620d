// The habits and faults of EHRs, each a face of the sandbox, met by the rules over real HTTP: what is
// taken, what is taken by a named quirk alone, and with which code the rest is refused.

import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { startSandbox } from '../../sandbox/sandbox.ts'
import type { BrokerError } from '../../src/errors.ts'
import { parseCallbackQuery, verifyCallback } from '../../src/smart/launch/callback.ts'
import { resolveQuirks } from '../../src/smart/quirks.ts'
import { refreshTokens } from '../../src/smart/token/refresh.ts'
import type { Quirks, Registration, TokenSet } from '../../src/smart/types.ts'
import { APP_URL, type Asked, createClient } from './client.ts'

const sandbox = await startSandbox({ port: 0, appUrl: APP_URL })
after(() => sandbox.close())

async function login(
  face: string,
  overrides: Partial<Registration> = {},
  how?: Asked,
): Promise<TokenSet> {
  const client = await createClient(sandbox, face, overrides)
  try {
    return await client.login(how)
  } finally {
    await client.close()
  }
}

const withQuirks = (quirks: Partial<Quirks>) => ({ quirks: resolveQuirks(quirks) })

/** The code of the refusal, which also names the EHR; the code was sent at most once. */
async function refuse(face: string, overrides: Partial<Registration> = {}): Promise<string> {
  const client = await createClient(sandbox, face, overrides)
  try {
    await client.login()
    return 'not refused'
  } catch (error) {
    assert.equal((error as BrokerError).ehr, 'general', `${face}: ${error}`)
    assert.equal(client.tokenRequests.length, 1)
    return (error as BrokerError).code
  } finally {
    await client.close()
  }
}

/** A login at a face, and then a renewal. */
async function renew(face: string) {
  const client = await createClient(sandbox, face)
  try {
    const tokens = await client.login()
    return { tokens, outcome: await refreshTokens(tokens, client.call) }
  } finally {
    await client.close()
  }
}

test('[AL-48, Q6, T6] every way to say how long a token lives', async () => {
  for (const [face, seconds] of [
    ['expires-in-text', undefined],
    ['expires-in-missing', 300],
    ['expires-in-zero', 300],
    ['expires-in-negative', 300],
    ['expires-in-endless', 604_800],
    ['expires-in-words', 300],
  ] as const) {
    const { accessTokenLifetimeMs } = await login(face)
    assert.equal(accessTokenLifetimeMs, (seconds ?? 3600) * 1000, face)
  }
})

test('[Q5, T7, SC-12] every way to say what was granted', async () => {
  const scopeOf = async (face: string, overrides?: Partial<Registration>) => {
    const { grantedScope, requestedScope } = await login(face, overrides)
    return { grantedScope, requestedScope }
  }
  const missing = await scopeOf('scope-missing')
  assert.equal(missing.grantedScope, missing.requestedScope)
  const empty = await scopeOf('scope-empty')
  assert.equal(empty.grantedScope, empty.requestedScope)
  const narrowed = await scopeOf('scope-narrowed')
  assert.notEqual(narrowed.grantedScope, narrowed.requestedScope)
  const reordered = await scopeOf('scope-reordered')
  assert.deepEqual(
    new Set(reordered.grantedScope.split(' ')),
    new Set(reordered.requestedScope.split(' ')),
  )
})

test('what is taken by a named quirk alone', async () => {
  for (const [face, quirk, code] of [
    ['token-type-missing', { tokenTypeOptional: true }, 'bad_token_response'],
    ['scope-list', { scopeArray: 'join' }, 'bad_token_response'],
    ['token-created', { createdStatus: 'accept' }, 'bad_token_response'],
    ['id-token-iss-slash', { issuerTrailingSlash: 'ignore' }, 'bad_id_token'],
  ] as const) {
    assert.equal(await refuse(face), code, face)
    assert.ok((await login(face, withQuirks(quirk))).accessToken, face)
  }
})

test('[T4, Q14] oddities that mean nothing are taken as they are', async () => {
  for (const face of [
    'token-type-lower',
    'token-text-plain',
    'extra-members',
    'no-refresh-token',
    'null-members',
  ]) {
    assert.equal((await login(face)).context.patient, 'amy-shaw', face)
  }
  assert.equal((await login('no-refresh-token')).refreshToken, undefined)
  const { extras } = (await login('extra-members')).context
  assert.deepEqual(extras, {}, 'none is allow-listed')
})

test('[T1, T2, T3] token answers that cannot be used make no session', async () => {
  for (const face of [
    ...['token-type-other', 'access-token-missing', 'access-token-hostile', 'token-html'],
    ...['token-truncated', 'token-huge', 'token-redirect'],
  ]) {
    assert.equal(await refuse(face), 'bad_token_response', face)
  }
})

test('[T10, Q14, AS-33] refusals of the token endpoint, each by its code', async () => {
  for (const [face, code] of [
    ['token-error-500', 'token_refused'],
    ['token-error-200', 'token_refused'],
    ['token-client-401', 'client_auth_failed'],
    ['token-429', 'issuer_busy'],
    ['token-503', 'issuer_busy'],
  ] as const) {
    assert.equal(await refuse(face), code, face)
  }
})

test('[SC-08, SC-23, Q44] patients that are missing or are none', async () => {
  for (const face of ['patient-missing', 'patient-number-long', 'patient-climbing']) {
    const { context, warnings } = await login(face)
    assert.equal(context.patient, undefined, face)
    assert.ok(warnings.includes('patient missing'), face)
    assert.equal(await refuse(face, { requirePatient: true }), 'missing_patient')
  }
  for (const face of ['patient-reference', 'patient-versioned', 'patient-url', 'patient-object']) {
    assert.equal((await login(face)).context.patient, 'amy-shaw', face)
  }
  assert.equal((await login('patient-number')).context.patient, '4711')
  assert.equal((await login('patient-underscore')).context.patient, 'Z6129_7')
  for (const face of ['patient-url-foreign', 'patient-long', 'patient-other-type']) {
    const { context, warnings } = await login(face)
    assert.equal(context.patient, undefined, face)
    assert.ok(
      warnings.some(text => text.startsWith('patient dropped: ')),
      face,
    )
  }
})

test("a patient's own login names them by fhirUser, by its quirk alone", async () => {
  const quirks = resolveQuirks({ patientFromFhirUser: true })
  const how = { user: 'amy-shaw', patient: 'amy-shaw' }
  assert.equal((await login('patient-missing', { quirks }, how)).context.patient, 'amy-shaw')
  assert.equal((await login('patient-missing', {}, how)).context.patient, undefined)
})

test('[SC-25, SC-26, SC-29] contexts in old and odd forms', async () => {
  const banner = await login('banner-text')
  assert.equal(typeof banner.context.needPatientBanner, 'boolean')
  const texts = await login('context-texts')
  assert.ok(texts.context.fhirContext.length > 0)
  for (const { reference, role } of texts.context.fhirContext) {
    assert.ok(reference)
    assert.equal(role, 'launch')
  }
  assert.ok((await login('context-odd')).warnings.includes('fhirContext: items dropped'))
})

test('[SC-35, I1, I2] id_tokens that do not hold make no session', async () => {
  for (const face of [
    ...['id-token-alg-none', 'id-token-hs256', 'id-token-kid', 'id-token-signature'],
    ...['id-token-garbage', 'id-token-nonce', 'id-token-no-nonce', 'id-token-aud', 'id-token-azp'],
    ...[
      'id-token-iss',
      'id-token-iss-slash',
      'id-token-expired',
      'id-token-no-exp',
      'id-token-no-sub',
    ],
    'jwks-empty',
  ]) {
    assert.match(await refuseIdentity(face), /^(bad_id_token|issuer_busy|bad_jwks)$/, face)
    const { identity } = await login(face, { idToken: 'ignore' })
    assert.equal(identity, undefined, `${face} ignored`)
  }
  assert.match(await refuseIdentity('jwks-missing'), /^(bad_jwks|issuer_busy)$/)
})

async function refuseIdentity(face: string): Promise<string> {
  const client = await createClient(sandbox, face)
  try {
    await client.login()
    return 'not refused'
  } catch (error) {
    return (error as BrokerError).code
  } finally {
    await client.close()
  }
}

test('[SC-38] keys without a name, and several keys of kinds that nobody knows', async () => {
  for (const face of ['id-token-no-kid', 'jwks-several', 'no-issuer']) {
    assert.equal((await login(face)).identity?.sub, 'practitioner', face)
  }
})

test('[SC-33] openid granted and no id_token: told, or refused where one is required', async () => {
  assert.deepEqual((await login('id-token-missing')).warnings, ['id_token missing'])
  assert.equal(await refuse('id-token-missing', { idToken: 'require' }), 'bad_id_token')
})

test('[SC-36, Q12] fhirUser in every form', async () => {
  const userAt = async (face: string) => (await login(face)).identity?.fhirUser
  for (const face of ['fhir-user-relative', 'fhir-user-profile']) {
    assert.equal(await userAt(face), `${sandbox.base(face)}/Practitioner/maria-rivera`)
  }
  assert.equal(await userAt('fhir-user-missing'), undefined)
  assert.equal(await userAt('fhir-user-device'), undefined)
  const foreign = await userAt('fhir-user-foreign')
  assert.ok(foreign === undefined || !foreign.startsWith(sandbox.url))
})

test('[C3, C7, C8] callbacks that do not hold are refused before any token request', async () => {
  for (const [face, code] of [
    ['callback-no-iss', 'issuer_mismatch'],
    ['callback-wrong-iss', 'issuer_mismatch'],
    ['callback-no-code', 'callback_invalid'],
    ['callback-twice', 'callback_invalid'],
  ] as const) {
    const client = await createClient(sandbox, face)
    await assert.rejects(client.login(), { code }, face)
    assert.equal(client.tokenRequests.length, 0)
    await client.close()
  }
  assert.equal(await refuse('callback-other-code'), 'token_refused')
})

test('[C4, AL-36] errors come back as fixed codes', async () => {
  for (const [face, error] of [
    ['callback-unavailable', 'temporarily_unavailable'],
    ['callback-hostile-error', undefined],
  ] as const) {
    const client = await createClient(sandbox, face)
    const { callback, pending } = await client.authorize()
    const query = parseCallbackQuery(callback.search.slice(1))
    const verified = verifyCallback(query, pending, client.call)
    assert.ok(verified.outcome === 'refused')
    if (error) assert.equal(verified.error, error)
    assert.match(verified.error, /^[a-z_]+$/)
    await client.close()
  }
})

test('[Q17, SC-03] requests without aud, and in v1 scopes, by setting', async () => {
  assert.ok((await login('no-aud', { aud: 'none' })).accessToken)
  await assert.rejects(login('no-aud'), /refused/)
  const scope = 'launch openid fhirUser patient/Observation.rs patient/Patient.r'
  assert.ok(
    (await login('v1-scopes', { scope, ...withQuirks({ scopeVersion: 'v1' }) })).accessToken,
  )
  await assert.rejects(login('v1-scopes', { scope }), /refused/)
})

test('[AL-31, CF-08] endpoints with a query of their own, and PKCE that nobody mentioned', async () => {
  for (const face of ['authorization-query', 'no-pkce-list', 'relative-endpoints', 'stu3']) {
    assert.ok((await login(face, { issuers: [sandbox.url] })).accessToken, face)
  }
  await assert.rejects(login('no-s256'), { code: 'pkce_unsupported' })
})

test('[AL-61, Q7, F9] renewals that say less change nothing', async () => {
  for (const face of [
    ...['no-rotation', 'renewal-no-id-token', 'renewal-no-context', 'renewal-no-scope'],
    ...['renewal-scope-echo', 'renewal-lacking-claims'],
  ]) {
    const { tokens, outcome } = await renew(face)
    assert.ok(outcome.outcome === 'renewed', face)
    assert.notEqual(outcome.tokens.accessToken, tokens.accessToken)
    assert.ok(outcome.tokens.refreshToken)
    assert.deepEqual(outcome.tokens.context, tokens.context)
    assert.deepEqual(outcome.tokens.identity, tokens.identity)
  }
})

test('[I14, AL-62, F9] renewals that contradict end the session', async () => {
  for (const face of ['sub', 'iss', 'aud', 'nonce', 'patient'].map(
    name => `renewal-other-${name}`,
  )) {
    const { outcome } = await renew(face)
    assert.ok(outcome.outcome === 'ended', face)
    assert.equal(outcome.reason, face.endsWith('patient') ? 'other patient' : 'other user')
    assert.ok(outcome.tokens, 'what came is given back')
  }
})

test('[F3, Q16] a refresh token that is over ends the session, whatever the status', async () => {
  for (const face of ['renewal-invalid-grant', 'renewal-invalid-grant-500']) {
    const { outcome } = await renew(face)
    assert.deepEqual(
      [outcome.outcome, 'reason' in outcome && outcome.reason],
      ['ended', 'invalid_grant'],
    )
  }
})

test('[Q30] refusals that no waiting changes end the session, in whatever words they come', async () => {
  for (const name of [
    ...['invalid-request', '403-denied', 'vendor-error', 'interaction-required', 'error-200'],
    ...['login-required', 'invalid-scope', 'unauthorized-client', 'unsupported'],
  ]) {
    assert.equal((await renew(`renewal-${name}`)).outcome.outcome, 'ended', name)
  }
  for (const name of ['message-401', '401-empty', '403', '400-html', '404']) {
    assert.equal((await renew(`renewal-${name}`)).outcome.outcome, 'refused', name)
  }
})

test('[Q31] renewals that say nothing in a member, or something else, lose no token', async () => {
  for (const name of ['nulls', 'empties', 'refresh-null', 'refresh-empty', 'scope-echo']) {
    assert.equal((await renew(`renewal-${name}`)).outcome.outcome, 'renewed', name)
  }
})

test('[F4, F5] what may pass does not end a session', async () => {
  for (const [face, code] of [
    ['renewal-503', 'refresh_failed'],
    ['renewal-429', 'refresh_failed'],
    ['renewal-invalid-client', 'client_auth_failed'],
  ] as const) {
    await assert.rejects(renew(face), { code, status: 503, ehr: 'general' }, face)
  }
})

test('[F6] the answer to a renewal is lost: no end, and one more try tells', async () => {
  const client = await createClient(sandbox, 'renewal-lost')
  const tokens = await client.login()
  await assert.rejects(
    refreshTokens(tokens, client.call),
    (error: BrokerError) => error.status >= 500,
  )
  await client.close()
})
