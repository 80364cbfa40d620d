import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pushAuthorizationRequest } from '../../../src/smart/launch/pushed-authorization.ts'
import { answerWith } from '../answers.ts'

const server = { pushedAuthorizationRequestEndpoint: 'https://ehr.test/oauth2/par' }
const parameters = [
  ['response_type', 'code'],
  ['client_id', 'fhirstorm'],
  ['launch', 'a+b/='],
] as const

test("pushes the parameters with the client's proof, and the browser carries their name", async () => {
  const body = { request_uri: 'urn:ietf:params:oauth:request_uri:x', expires_in: 60 }
  const { call, sent } = answerWith([{ status: 201, body }], { server })
  assert.deepEqual(await pushAuthorizationRequest(parameters, call), [
    ['client_id', 'fhirstorm'],
    ['request_uri', 'urn:ietf:params:oauth:request_uri:x'],
  ])
  assert.deepEqual(Object.fromEntries(sent[0]?.body ?? []), Object.fromEntries(parameters))
  assert.match(sent[0]?.headers.authorization ?? '', /^Basic /)
})

test('sends nothing where the EHR offers no place for it', async () => {
  const { call, sent } = answerWith([{}])
  assert.equal(await pushAuthorizationRequest(parameters, call), parameters)
  assert.equal(sent.length, 0)
})

test('where nobody is at the place that the EHR announced, the browser carries them, unless that is forbidden', async () => {
  for (const status of [404, 405, 501]) {
    const { call } = answerWith([{ status, body: '<html>' }], { server })
    assert.equal(await pushAuthorizationRequest(parameters, call), parameters)
    const required = { ...server, pushedAuthorizationRequestsRequired: true }
    const strict = answerWith([{ status, body: '<html>' }], { server: required })
    await assert.rejects(pushAuthorizationRequest(parameters, strict.call), { ehr: 'general' })
  }
})

test('each failure has its code', async () => {
  for (const [answer, code] of [
    [{ status: 400, body: { error: 'invalid_request' } }, 'authorization_refused'],
    [{ status: 401, body: { error: 'invalid_client' } }, 'client_auth_failed'],
    [{ status: 503 }, 'issuer_busy'],
    [{ status: 201, body: {} }, 'authorization_refused'],
    [{ status: 201, body: '<html>' }, 'authorization_refused'],
    [{ status: 201, body: { request_uri: 'a b' } }, 'authorization_refused'],
    [{ status: 404, body: { request_uri: 'x' } }, 'authorization_refused'],
  ] as const) {
    const { call } = answerWith([answer], { server })
    await assert.rejects(pushAuthorizationRequest(parameters, call), { code, ehr: 'general' })
  }
})
