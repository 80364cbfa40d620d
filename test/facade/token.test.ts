// Codes for names: which request a code was made for, and what the app is told.

import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { test } from 'node:test'
import { readSessionName } from '../../src/facade/client.ts'
import {
  buildTokenAnswer,
  type CodeGrant,
  isOwnCode,
  readTokenRequest,
  type TokenRequest,
} from '../../src/facade/token.ts'
import type { OpenSession } from '../../src/session/session.ts'
import type { TokenSet } from '../../src/smart/types.ts'
import { buildTokens, HOUR } from '../session/sessions.ts'

const verifier = 'v'.repeat(43)
const request: TokenRequest = {
  ...{ code: 'c'.repeat(43), redirectUri: 'https://app.example/', clientId: 'app', verifier },
}
const grant: CodeGrant = {
  ...{ ehr: 'general', session: 's'.repeat(22), clientId: 'app' },
  ...{ redirectUri: 'https://app.example/', challenge: hash('sha256', verifier, 'base64url') },
}

function read(changes: Record<string, string | undefined>, authorization?: string) {
  const form = new URLSearchParams()
  const members = {
    ...{ grant_type: 'authorization_code', code: request.code, client_id: 'app' },
    ...{ redirect_uri: request.redirectUri, code_verifier: verifier },
  }
  for (const [name, value] of Object.entries({ ...members, ...changes })) {
    if (value !== undefined) form.append(name, value)
  }
  return readTokenRequest(String(form), authorization)
}

test('[FA2] a token request says which app it is of, in the form or by the credentials of old apps', () => {
  const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`
  assert.deepEqual(read({}), request)
  assert.deepEqual(read({ client_id: undefined }, basic('app:an old secret')), request)
  const encoded = read({ client_id: undefined }, basic('an%20app:x'))
  assert.equal((encoded as TokenRequest).clientId, 'an app')
  assert.equal((read({ client_id: undefined }, basic('50%')) as TokenRequest).clientId, '50%')
  for (const nothing of [undefined, 'Bearer abc', 'Basic !', '']) {
    assert.equal(read({ client_id: undefined }, nothing), 'invalid_request')
  }
})

test('[FA2] what is no request is told from a grant that there is not, and from one that is over', () => {
  assert.equal(readTokenRequest('', undefined), 'invalid_request')
  assert.equal(read({ grant_type: undefined }), 'invalid_request')
  assert.equal(read({ grant_type: 'refresh_token' }), 'unsupported_grant_type')
  assert.equal(read({ code: undefined }), 'invalid_request')
  assert.equal(read({ code_verifier: 'short' }), 'invalid_grant')
  assert.equal(readTokenRequest('grant_type=a&grant_type=a', undefined), 'invalid_request')
})

test('[FA2] a code is for the same EHR, address, app and verifier, one wrong is wrong', () => {
  assert.ok(isOwnCode(request, grant, 'general'))
  assert.ok(!isOwnCode(request, grant, 'other'))
  for (const change of [
    { redirectUri: 'https://app.example' },
    { clientId: 'another' },
    { verifier: 'w'.repeat(43) },
    { verifier: undefined },
  ]) {
    assert.ok(!isOwnCode({ ...request, ...change }, grant, 'general'), JSON.stringify(change))
  }
})

test('[FA2] a code of an old app has no challenge, and a verifier beside it is none of its own', () => {
  const old = { ...grant, challenge: undefined }
  assert.ok(isOwnCode({ ...request, verifier: undefined }, old, 'general'))
  assert.ok(!isOwnCode(request, old, 'general'))
})

function answer(tokens: Partial<TokenSet>, now = 0, of: Partial<CodeGrant> = grant) {
  const session = {
    ...{ id: 's'.repeat(22), ehr: 'general', iss: 'https://ehr.example', createdAt: 0 },
    ...{ endsAt: 12 * HOUR, tokens: buildTokens(0, tokens) },
  }
  return JSON.parse(
    JSON.stringify(buildTokenAnswer({ session } as OpenSession, of, now, 'an id_token')),
  ) as Record<string, unknown>
}

test('[FA1] the app is told who, which patient and encounter, what is in context and whether to show a banner', () => {
  const context = {
    ...{ patient: 'amy', encounter: 'visit', intent: 'review', tenant: 't', extras: {} },
    fhirContext: [{ reference: 'DocumentReference/1', role: 'launch' }],
    ...{ needPatientBanner: false, smartStyleUrl: 'https://ehr.example/style.json' },
  }
  assert.deepEqual(answer({ context, grantedScope: 'patient/*.rs openid' }), {
    ...{ access_token: 's'.repeat(22), token_type: 'Bearer', expires_in: 12 * 3600 },
    ...{ scope: 'patient/*.rs openid', patient: 'amy', encounter: 'visit', intent: 'review' },
    ...{ tenant: 't', fhirContext: context.fhirContext, need_patient_banner: false },
    ...{ smart_style_url: 'https://ehr.example/style.json', id_token: 'an id_token' },
  })
})

test('[FA1] nothing of the EHR’s tokens is in an answer, and the time is what is left', () => {
  const secrets = { accessToken: 'SECRET-a', refreshToken: 'SECRET-r', idToken: 'SECRET-i' }
  const told = answer(secrets, 13 * HOUR)
  assert.doesNotMatch(JSON.stringify(told), /SECRET/)
  assert.equal(told.expires_in, 0)
  assert.ok(!('fhirContext' in told) && !('refresh_token' in told) && !('encounter' in told))
})

test('[FA1] an old app finds its name within a JWT that says nothing, as its library reads one after a reload', () => {
  const token = String(answer({}, 0, { ...grant, challenge: undefined }).access_token)
  const [header = '', claims = '', name] = token.split('.')
  const read = (part: string) => JSON.parse(Buffer.from(part, 'base64url').toString()) as object
  assert.deepEqual([read(header), read(claims), name], [{ alg: 'none' }, {}, 's'.repeat(22)])
  assert.equal(readSessionName(`Bearer ${token}`), name)
})
