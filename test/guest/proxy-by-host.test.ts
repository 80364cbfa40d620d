// The proxy in a foreign app that keeps the sessions itself: it gives the token for each request, and
// nothing else of the product is needed but the guard.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fastify from 'fastify'
import errors from '../../plugins/errors.ts'
import guard from '../../plugins/guard.ts'
import proxy from '../../plugins/proxy.ts'
import { BrokerError } from '../../src/errors.ts'
import { answer, headerOf, startFakeEhr } from '../network/fake-ehr.ts'
import { buildRegistration } from '../plugins/alone.ts'

const publicUrl = 'https://app.example.org'

async function startHost() {
  const ehr = await startFakeEhr()
  const tokens = ['token-1', 'token-2']
  const asked: object[] = []
  const app = fastify({ routerOptions: { maxParamLength: 8192 } })
  await app.register(errors, { loginPath: '/login', ehrNames: new Map(), frameAncestors: [] })
  await app.register(guard, { publicUrl, frontendOrigins: [] })
  await app.register(proxy, {
    registrations: [buildRegistration({ iss: `${ehr.origin}/fhir/r4` })],
    publicUrl,
    fhirAlias: 'scripts',
    async token(request, how) {
      asked.push(how)
      if (request.headers.cookie !== 'host=1') throw new BrokerError('session_invalid')
      const accessToken = how.refused === 'token-1' ? tokens[1] : tokens[0]
      return { ehr: 'general', accessToken: accessToken as string }
    },
  })
  await app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = app.server.address() as { port: number }
  const call = (path: string, cookie = 'host=1') =>
    app.inject({ url: path, headers: { host: 'app.example.org', cookie } })
  return { app, ehr, port, asked, call }
}

test('a host gives the token for each request, by the session in the path or without one', async t => {
  const { app, ehr, asked, call } = await startHost()
  t.after(async () => {
    await app.close()
    await ehr.close()
  })
  const seen: (string | undefined)[] = []
  ehr.handler = request => {
    const bearer = headerOf(request, 'authorization')
    seen.push(bearer)
    const resource = { resourceType: 'Bundle', link: [{ url: `${ehr.origin}/fhir/r4/Patient/2` }] }
    answer(request, {
      status: bearer === 'Bearer token-1' ? 401 : 200,
      body: JSON.stringify(resource),
    })
  }
  const named = await call('/sessions/of-the-host/fhir/Patient/1')
  assert.equal(named.statusCode, 200)
  assert.deepEqual(seen, ['Bearer token-1', 'Bearer token-2'], 'renewed once')
  assert.deepEqual(asked, [
    { session: 'of-the-host' },
    { session: 'of-the-host', refused: 'token-1' },
  ])
  const only = await call('/fhir/Patient/1')
  assert.equal(only.json().link[0].url, 'https://app.example.org/fhir/Patient/2')
  assert.deepEqual(asked[2], { session: undefined })
  const stranger = await call('/fhir/Patient/1', '')
  assert.equal(stranger.statusCode, 401)
})
