import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseCallbackQuery, verifyCallback } from '../../../src/smart/launch/callback.ts'
import type { PendingLaunch } from '../../../src/smart/types.ts'
import { buildRegistration } from '../registration.ts'
import { buildServer } from '../server.ts'

const invalid = { code: 'callback_invalid' }

const pending: PendingLaunch = {
  launchId: 'l',
  ehr: 'general',
  kind: 'ehr',
  iss: 'https://ehr.test/fhir/r4',
  codeVerifier: 'v'.repeat(43),
  returnTo: '/',
  redirectUri: 'https://app.test/redirect',
  expiresAt: 1,
}

test('reads code, state and issuer; what it does not know is left alone', () => {
  const query = 'state=s.t-u&code=a%2Bb%2F%26%3D&iss=https%3A%2F%2Fehr.test&session_state=x&x=1&x=2'
  assert.deepEqual(parseCallbackQuery(query), {
    state: 's.t-u',
    iss: 'https://ehr.test',
    answer: { code: 'a+b/&=' },
  })
  assert.equal(parseCallbackQuery('code=x').state, undefined)
})

test('[C8] a plus sign that was not escaped is part of the code, and of the issuer; an escaped space stays one', () => {
  for (const [sent, code] of [
    ['ab+/cd+==', 'ab+/cd+=='],
    ['a%2Bb', 'a+b'],
    ['a%20b', 'a b'],
  ]) {
    const query = `code=${sent}&state=s&iss=https://ehr.test/fhir+r4`
    const iss = 'https://ehr.test/fhir+r4'
    assert.deepEqual(parseCallbackQuery(query), { state: 's', iss, answer: { code } })
  }
})

test('[C7] refuses a parameter that is sent twice, and guesses at none', () => {
  for (const name of ['code', 'state', 'iss', 'error', 'error_description', 'error_uri']) {
    for (const twice of [
      `${name}=x&${name}=x`,
      `${name}=x&%${name.charCodeAt(0).toString(16)}${name.slice(1)}=y`,
    ]) {
      const rest = name === 'code' || name === 'error' ? '' : '&code=c'
      assert.throws(() => parseCallbackQuery(twice + rest), invalid, twice)
    }
  }
})

test('[C8, AL-36] a parameter without a value is none (RFC 6749 3.1)', () => {
  const none = { state: undefined, iss: undefined }
  assert.deepEqual(parseCallbackQuery('code=c&state=s&error=&error_description=&error_uri=&iss='), {
    ...none,
    state: 's',
    answer: { code: 'c' },
  })
  for (const query of ['code=&state=&error=access_denied', 'code&state&error=access_denied&iss']) {
    assert.deepEqual(parseCallbackQuery(query), { ...none, answer: { error: 'access_denied' } })
  }
})

test('[C8] refuses code and error together, neither, and codes that are none', () => {
  for (const query of [
    ...['code=c&error=access_denied', 'state=s', '', 'code=', 'code=&state=s', 'code=c&error=x'],
    ...['code=c&error=&error=x', 'code=&code=c', 'code=c&state=&state=s'],
    ...['code=%00', 'code=a%0D%0Ab', 'code=%ff', 'code=\u00e9', 'code=%7F', 'code=%E2%80%A8'],
    `code=${'x'.repeat(4097)}`,
    `code=x&pad=${'x'.repeat(100_000)}`,
  ]) {
    assert.throws(() => parseCallbackQuery(query), invalid, query.slice(0, 40))
  }
  const longest = 'x'.repeat(4096)
  assert.deepEqual(parseCallbackQuery(`code=${longest}`).answer, { code: longest })
})

test('[C10] refuses tokens in the query', () => {
  for (const name of ['access_token', 'id_token', 'token_type', 'response']) {
    assert.throws(() => parseCallbackQuery(`code=c&state=s&${name}=x`), invalid, name)
  }
})

test('[AL-36, C4] maps errors to a closed list and keeps not a word beside', () => {
  for (const error of [
    ...['access_denied', 'invalid_request', 'invalid_scope', 'unauthorized_client'],
    ...['unsupported_response_type', 'server_error', 'temporarily_unavailable', 'login_required'],
    ...['interaction_required', 'consent_required', 'account_selection_required'],
  ]) {
    assert.deepEqual(parseCallbackQuery(`error=${error}`).answer, { error })
  }
  for (const error of [
    '<script>',
    '__proto__',
    'constructor',
    'ACCESS_DENIED',
    '%0d%0aSet-Cookie:x',
    '',
  ]) {
    const query = `error=${error}&error_description=<b>&error_uri=javascript:alert(1)&state=s`
    assert.deepEqual(parseCallbackQuery(query), {
      state: 's',
      iss: undefined,
      answer: { error: 'other' },
    })
  }
})

test('[C4, C8] any query is read or refused, never more', () => {
  const part = fc.oneof(
    fc.constantFrom('code', 'state', 'iss', 'error', '=', '&', '%', '%00', '%ff', '[]', '?', '#'),
    fc.string(),
  )
  fc.assert(
    fc.property(
      fc.array(part).map(parts => parts.join('')),
      query => {
        try {
          const { answer } = parseCallbackQuery(query)
          assert.ok('error' in answer || /^[\x20-\x7e]+$/.test(answer.code))
        } catch (error) {
          assert.equal((error as { code: string }).code, 'callback_invalid')
        }
      },
    ),
  )
})

test('[C2, C3] the issuer that answers must be the one asked, for codes and for errors', () => {
  const issuer = 'https://ehr.test/oauth2'
  const configured = 'https://ehr.test/oidc/7'
  const table: [iss: string | undefined, supported: boolean, holds: boolean][] = [
    [undefined, false, true],
    [undefined, true, false],
    [issuer, false, true],
    [issuer, true, true],
    [configured, true, true],
    [`${issuer}/`, true, false],
    [`${issuer}/`, false, false],
    ['https://EHR.test/oauth2', true, false],
    ['https://evil.test', false, false],
    ['', false, false],
  ]
  const registration = buildRegistration({ issuers: [configured] })
  for (const [iss, issParameterSupported, holds] of table) {
    for (const answer of [{ code: 'c' }, { error: 'access_denied' }] as const) {
      const server = buildServer({ issuer, issParameterSupported })
      const verify = () =>
        verifyCallback({ state: 's', iss, answer }, pending, { registration, server })
      if (holds) assert.equal(verify().outcome, 'code' in answer ? 'code' : 'refused')
      else assert.throws(verify, { code: 'issuer_mismatch', ehr: 'general' }, `${iss}`)
    }
  }
})

test('[C3] the log is told which issuer answered, in a form that may stand there', () => {
  const detailOf = (iss: string | undefined) => {
    try {
      const query = { state: 's', iss, answer: { code: 'c' } }
      const server = buildServer({ issParameterSupported: true })
      verifyCallback(query, pending, { registration: buildRegistration(), server })
    } catch (error) {
      return String((error as { detail?: string }).detail)
    }
    return assert.fail('it held')
  }
  const named = detailOf('https://me:secret@login.ehr.test/realms/x?code=1\n')
  assert.match(named, /names https:\/\/login\.ehr\.test\/realms\/x: .* issuers$/)
  assert.match(detailOf(undefined), /names no issuer/)
})

test('[C5] a refusal keeps its launch and a fixed code alone', () => {
  const query = parseCallbackQuery('error=access_denied&error_description=secret&state=s')
  const verified = verifyCallback(query, pending, {
    registration: buildRegistration(),
    server: buildServer(),
  })
  assert.deepEqual(verified, { outcome: 'refused', pending, error: 'access_denied' })
})
