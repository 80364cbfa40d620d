// Values as /verify writes them: whatever an EHR has put into a session, one header each, and nothing that a
// reader could take for another one.

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { request as ask } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import Fastify from 'fastify'
import { createLocalJWKSet, jwtVerify } from 'jose'
import guard from '../../plugins/guard.ts'
import verify from '../../plugins/verify.ts'
import { makeKeyRing } from '../../src/keys.ts'
import { createAssertions } from '../../src/session/assertion.ts'
import { buildSigningKeySet, deriveSigningKeys } from '../../src/signing-keys.ts'
import type { TokenSet } from '../../src/smart/types.ts'
import { buildStore, buildTokens, createClock, ISS } from '../session/sessions.ts'

const API = { id: 'notes', audience: 'https://notes.example.org' }

/** The headers that /verify gives for a session with these tokens. */
async function verifyWith(t: TestContext, overrides: Partial<TokenSet>) {
  const clock = createClock(Math.floor(Date.now() / 1000) * 1000)
  const { store } = buildStore({ clock })
  const tokens = buildTokens(clock.now(), overrides)
  const { ticket } = await store.begin(ISS, tokens, 'B'.repeat(22), 'general')
  const signingKeys = deriveSigningKeys(makeKeyRing(clock.now(), randomBytes), 'api assertion')
  const app = Fastify()
  t.after(() => app.close())
  await app.register(guard, { publicUrl: 'http://127.0.0.1' })
  await app.register(verify, {
    guard: app.smartGuard,
    tickets: { open: () => store.open(ticket, { slide: true }), ids: () => [ticket.id] },
    registrations: [{ id: 'general', embedded: false }],
    apis: [API],
    assertionOf: createAssertions({
      ...{ signingKeys, issuer: 'http://127.0.0.1', now: clock.now },
      moveFhirUser: ({ session }) => session.tokens.identity?.fhirUser,
    }),
  })
  await app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = app.server.address() as AddressInfo
  const headers = { host: '127.0.0.1', 'x-original-method': 'GET' }
  const raw = await new Promise<string[]>((done, fail) => {
    const asked = ask({ host: '127.0.0.1', port, path: '/verify', headers }, response => {
      response.resume()
      done(response.rawHeaders)
    })
    asked.on('error', fail).end()
  })
  const text = raw[raw.indexOf('fhirstorm-assertion') + 1] ?? ''
  const { payload } = await jwtVerify(text, createLocalJWKSet(buildSigningKeySet(signingKeys)))
  return { raw, payload }
}

test('[VE4] what an EHR writes into a session is escaped in headers, and as it was in the assertion', async t => {
  const patient = 'a\r\nFhirstorm-User: eve'
  const fhirUser = 'https://ehr.example.org/Practitioner/Jürgen "J", 医生 \ud800'
  const scope = 'patient/*.rs\tuser/*.rs patient/Ä.rs'
  const { raw, payload } = await verifyWith(t, {
    grantedScope: scope,
    context: { patient, encounter: '\u0000', fhirContext: [], needPatientBanner: true, extras: {} },
    identity: { iss: ISS, sub: 'doctor', fhirUser },
  })
  const told = raw.flatMap((name, i) =>
    i % 2 === 0 && name.startsWith('fhirstorm-') ? [[name, raw[i + 1]]] : [],
  )
  const { 'fhirstorm-session': _, 'fhirstorm-assertion': __, ...rest } = Object.fromEntries(told)
  assert.equal(told.length, 7)
  assert.deepEqual(rest, {
    'fhirstorm-ehr': 'general',
    'fhirstorm-patient': 'a%0D%0AFhirstorm-User: eve',
    'fhirstorm-encounter': '%00',
    'fhirstorm-user':
      'https://ehr.example.org/Practitioner/J%C3%BCrgen %22J%22, %E5%8C%BB%E7%94%9F %EF%BF%BD',
    'fhirstorm-scope': 'patient/*.rs%09user/*.rs patient/%C3%84.rs',
  })
  assert.deepEqual([payload.patient, payload.encounter, payload.scope], [patient, '\u0000', scope])
})

test('[VE4] what a session does not have is no header and no claim', async t => {
  const { raw, payload } = await verifyWith(t, {
    context: { fhirContext: [], needPatientBanner: true, extras: {} },
    identity: undefined,
  })
  for (const name of ['fhirstorm-patient', 'fhirstorm-encounter', 'fhirstorm-user']) {
    assert.ok(!raw.includes(name))
  }
  assert.ok(!('patient' in payload) && !('encounter' in payload) && !('fhirUser' in payload))
})
