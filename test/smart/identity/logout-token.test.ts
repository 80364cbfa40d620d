import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readAddress, verifyLogoutToken } from '../../../src/smart/identity/logout-token.ts'
import { resolveQuirks } from '../../../src/smart/quirks.ts'
import type { Quirks } from '../../../src/smart/types.ts'
import { start } from '../answers.ts'
import { buildClaims, makeEhrKey, publish, sign } from '../ehr-keys.ts'
import { buildRegistration } from '../registration.ts'
import { buildServer } from '../server.ts'

const ec = makeEhrKey('ec')
const seconds = start / 1000
const event = 'http://schemas.openid.net/event/backchannel-logout'
const header = { typ: 'logout+jwt' }

function claim(changes: Record<string, unknown> = {}): Record<string, unknown> {
  return buildClaims({
    nonce: undefined,
    jti: 'j-1',
    sid: 's-1',
    events: { [event]: {} },
    ...changes,
  })
}

async function verify(text: string, quirks?: Partial<Quirks>) {
  return await verifyLogoutToken(text, {
    registration: buildRegistration({ quirks: resolveQuirks(quirks) }),
    server: buildServer(),
    keys: publish([ec]),
    now: () => start,
  })
}

async function refuse(text: string): Promise<void> {
  await assert.rejects(verify(text), { code: 'logout_token_invalid', status: 400 })
}

test('[I4, O5] a token that holds by a clock that is off is remembered until it holds no more', async () => {
  const iat = seconds + 240
  const text = await sign(claim({ iat, exp: iat + 60 }), ec, header)
  await refuse(text)
  const token = await verify(text, { clockSkewSeconds: 300 })
  assert.ok(token.expiresAt >= (iat + 60 + 300) * 1000)
})

test('[O5] a logout token names a session, a user or both', async () => {
  for (const [changes, sid, sub] of [
    [{}, 's-1', 'user-1'],
    [{ sub: undefined }, 's-1', undefined],
    [{ sid: undefined }, undefined, 'user-1'],
  ] as const) {
    const token = await verify(await sign(claim(changes), ec, header))
    assert.deepEqual(
      [token.sid, token.sub, token.jti, token.iss],
      [sid, sub, 'j-1', 'https://ehr.test/oauth2'],
    )
    assert.ok(token.expiresAt >= start + 120_000, 'kept as taken while it could be sent again')
  }
  await refuse(await sign(claim({ sub: undefined, sid: undefined }), ec, header))
})

test('[O4] refuses forged, foreign and misused tokens', async () => {
  for (const changes of [
    ...[
      { iss: 'https://evil.test' },
      { aud: 'other' },
      { aud: undefined },
      { nonce: 'n' },
      { jti: undefined },
    ],
    ...[
      { events: undefined },
      { events: {} },
      { events: { [event]: 1 } },
      { events: [event] },
      { jti: '' },
    ],
    ...[{ iat: seconds - 300 }, { iat: seconds + 300 }, { iat: undefined }, { exp: seconds - 61 }],
  ]) {
    await refuse(await sign(claim(changes), ec, header))
  }
  await refuse(await sign(claim(), makeEhrKey('ec'), header))
  for (const typ of ['at+jwt', 'logout', 'jwt+logout', 'application/jwt', 5, ['JWT'], {}]) {
    await refuse(await sign(claim(), ec, { typ }))
  }
  await refuse(await sign(buildClaims(), ec))
  for (const text of ['', 'a.b.c', 'x'.repeat(20_000)]) await refuse(text)
})

test('[Q37] the typ is recommended, and may be missing; the rest is as strict without it', async () => {
  const types = [
    undefined,
    null,
    '',
    'JWT',
    'jwt',
    'logout+jwt',
    'LOGOUT+JWT',
    'application/logout+jwt',
  ]
  for (const typ of types) {
    assert.equal((await verify(await sign(claim(), ec, { typ }))).sid, 's-1', `${typ}`)
    for (const changes of [{ nonce: 'n' }, { events: undefined }, { jti: undefined }]) {
      await refuse(await sign(claim(changes), ec, { typ }))
    }
    await refuse(await sign(claim(), makeEhrKey('ec'), { typ }))
  }
})

test('[O4] a token without a signature is refused', async () => {
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  await refuse(`${encode({ alg: 'none', ...header })}.${encode(claim())}.`)
})

test('the issuer of a token is read without trust', async () => {
  const iss = 'https://ehr.test/oauth2'
  for (const [aud, audience] of [
    ['app', ['app']],
    [
      ['app', 'b'],
      ['app', 'b'],
    ],
    [undefined, []],
  ] as const) {
    assert.deepEqual(readAddress(await sign(claim({ aud }), ec)), { iss, audience })
  }
  assert.equal(readAddress(await sign({ iss: 7 }, ec)), undefined)
  for (const text of ['', 'a.b.c', 'x'.repeat(20_000)]) assert.equal(readAddress(text), undefined)
})
