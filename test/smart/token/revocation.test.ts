import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BrokerError } from '../../../src/errors.ts'
import { revokeTokens } from '../../../src/smart/token/revocation.ts'
import { type Answer, answerWith } from '../answers.ts'

const tokens = { accessToken: 'at', refreshToken: 'rt' }
const server = { revocationEndpoint: 'https://ehr.test/oauth2/revoke' }

test("[O1] revokes the refresh token first, then the access token, with the client's proof", async () => {
  const { call, sent } = answerWith([{ status: 200 }], { server })
  assert.equal(await revokeTokens(tokens, call), 'revoked')
  assert.deepEqual(
    sent.map(({ url, body }) => [url, Object.fromEntries(body)]),
    [
      [server.revocationEndpoint, { token: 'rt', token_type_hint: 'refresh_token' }],
      [server.revocationEndpoint, { token: 'at', token_type_hint: 'access_token' }],
    ],
  )
  assert.ok(sent.every(({ headers }) => headers.authorization?.startsWith('Basic ')))
})

test('without a refresh token the access token alone is revoked, and nowhere nothing', async () => {
  const { call, sent } = answerWith([{ status: 200 }], { server })
  assert.equal(await revokeTokens({ accessToken: 'at' }, call), 'revoked')
  assert.equal(sent.length, 1)
  const none = answerWith([{ status: 200 }])
  assert.equal(await revokeTokens(tokens, none.call), 'unsupported')
  assert.equal(none.sent.length, 0)
})

test('[O2] a failure is told and never thrown, and the other token is still tried', async () => {
  const failures: (Answer | Error)[] = [
    ...[{ status: 503 }, { status: 429 }, { status: 401, body: { error: 'invalid_client' } }],
    ...[new BrokerError('issuer_timeout'), new Error('odd')],
  ]
  for (const failure of failures) {
    const { call, sent } = answerWith([failure, { status: 200 }], { server })
    assert.equal(await revokeTokens(tokens, call), 'failed')
    assert.equal(sent.length, 2)
  }
})

test('what an EHR will never revoke is not asked for again', async () => {
  const body = { error: 'unsupported_token_type' }
  const { call } = answerWith([{ status: 200 }, { status: 400, body }], { server })
  assert.equal(await revokeTokens(tokens, call), 'revoked')
})
