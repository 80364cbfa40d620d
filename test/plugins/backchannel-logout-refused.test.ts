// Back-channel logout alone in a bare Fastify: what is refused before anybody is asked for keys or sessions.

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import { generateKeyPair, SignJWT } from 'jose'
import backchannelLogout from '../../plugins/backchannel-logout.ts'
import { createMemoryVault } from '../../src/vault/memory.ts'
import { LOGOUT_EVENT } from '../flow/logout-token.ts'
import { buildBareApp, buildRegistration } from './alone.ts'

const ISSUER = 'https://ehr.example.org'
const { privateKey, publicKey } = await generateKeyPair('ES256')

/** A token that holds, with these claims changed. */
async function sign(changes: Record<string, unknown> = {}): Promise<string> {
  return await new SignJWT({
    ...{ iss: ISSUER, aud: 'app', sub: 'doctor', jti: randomUUID() },
    ...{ iat: Math.floor(Date.now() / 1000), events: { [LOGOUT_EVENT]: {} } },
    ...changes,
  })
    .setProtectedHeader({ alg: 'ES256', typ: 'logout+jwt' })
    .sign(privateKey)
}

/** Two registrations at one issuer, with a session each. */
async function build(t: TestContext) {
  const asked: string[] = []
  const ended: string[] = []
  const app = buildBareApp({
    smartVault: createMemoryVault(),
    smartDiscovery: {
      async resolve({ id }: { id: string }) {
        asked.push(id)
        return { issuer: ISSUER, jwksUri: `${ISSUER}/keys` }
      },
      keysFor: () => async () => publicKey,
    },
    smartSessions: {
      findToEnd: async (_kind: string, ehr: string) => [{ id: `session at ${ehr}` }],
      async endAll(ids: string[]) {
        ended.push(...ids)
        return { ended: ids.length }
      },
    },
  })
  t.after(() => app.close())
  await app.register(backchannelLogout, {
    registrations: ['general', 'other'].map(id => buildRegistration({ id })),
  })
  const post = async (form: [string, string][] | string) => {
    const answer = await app.inject({
      ...{ method: 'POST', url: '/backchannel-logout' },
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      payload: new URLSearchParams(form).toString(),
    })
    return [answer.statusCode, answer.body && answer.json().code]
  }
  const send = async (token: string) => await post([['logout_token', token]])
  return { post, send, asked, ended }
}

const INVALID = [400, 'logout_token_invalid']

test('[O4, O6] no token, an empty one, two of them, and one from nobody ask for nothing', async t => {
  const { post, send, asked, ended } = await build(t)
  const token = await sign()
  for (const form of [
    ...['', 'logout_token=', `token=${token}`],
    ...[`logout_token=${token}&logout_token=${token}`, `logout_token=${token}&logout_token=`],
  ]) {
    assert.deepEqual(await post(form), INVALID)
  }
  for (const iss of ['', 'x', 'ehr.example.org', `${ISSUER}.evil.test`, undefined]) {
    assert.deepEqual(await send(await sign({ iss })), INVALID, iss)
  }
  assert.deepEqual(await send(await sign({ aud: 'another-app' })), INVALID)
  assert.deepEqual(await send('rubbish'), INVALID)
  assert.deepEqual([asked, ended], [[], []])
  assert.deepEqual(await send(token), [204, ''])
  assert.equal(ended.length, 2)
  assert.deepEqual(await send(token), INVALID)
  assert.equal(ended.length, 2)
})
