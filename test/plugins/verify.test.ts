// What /verify writes and to whom: whatever an EHR has put into a session, one header each, and nothing that a
// reader could take for another one; sessions in frames, and sessions without a name.

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { request as ask } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import Fastify from 'fastify'
import { createLocalJWKSet, jwtVerify } from 'jose'
import errors from '../../plugins/errors.ts'
import guard from '../../plugins/guard.ts'
import verify from '../../plugins/verify.ts'
import { makeKeyRing } from '../../src/keys.ts'
import { createAssertions } from '../../src/session/assertion.ts'
import { buildSigningKeySet, deriveSigningKeys } from '../../src/signing-keys.ts'
import type { TokenSet } from '../../src/smart/types.ts'
import { buildStore, buildTokens, createClock, ISS } from '../session/sessions.ts'

const API = { id: 'notes', audience: 'https://notes.example.org' }

interface Setting {
  tokens?: Partial<TokenSet>
  embedded?: boolean
  fhirAlias?: 'scripts' | 'always'
  /** One unless told. */
  apis?: (typeof API)[]
  /** Tickets that the browser has besides the one of the session. */
  others?: string[]
}

/** A server with /verify for one session, and a way to ask it. */
async function serveVerify(t: TestContext, { tokens, others = [], ...setting }: Setting) {
  const clock = createClock(Math.floor(Date.now() / 1000) * 1000)
  const { store } = buildStore({ clock })
  const made = buildTokens(clock.now(), tokens)
  const { ticket } = await store.begin(ISS, made, 'B'.repeat(22), 'general')
  const signingKeys = deriveSigningKeys(makeKeyRing(clock.now(), randomBytes), 'api assertion')
  const app = Fastify()
  t.after(() => app.close())
  await app.register(errors)
  await app.register(guard, { publicUrl: 'http://127.0.0.1' })
  await app.register(verify, {
    guard: app.smartGuard,
    tickets: { open: () => store.open(ticket, { slide: true }), ids: () => [ticket.id, ...others] },
    registrations: [{ id: 'general', embedded: setting.embedded ?? false }],
    fhirAlias: setting.fhirAlias,
    apis: setting.apis ?? [API],
    assertionOf: createAssertions({
      ...{ signingKeys, issuer: 'http://127.0.0.1', now: clock.now },
      moveFhirUser: ({ session }) => session.tokens.identity?.fhirUser,
    }),
  })
  await app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = app.server.address() as AddressInfo
  const verifyWith = (sent: Record<string, string> = {}, query = '') =>
    new Promise<{ status?: number; raw: string[] }>((done, fail) => {
      const headers = { host: '127.0.0.1', 'x-original-method': 'GET', ...sent }
      const asked = ask({ host: '127.0.0.1', port, path: `/verify${query}`, headers }, response => {
        response.resume()
        done({ status: response.statusCode, raw: response.rawHeaders })
      })
      asked.on('error', fail).end()
    })
  return { id: ticket.id, signingKeys, verifyWith }
}

/** What /verify says of a session with these tokens. */
async function tell(t: TestContext, tokens: Partial<TokenSet>) {
  const { verifyWith, signingKeys } = await serveVerify(t, { tokens })
  const { raw } = await verifyWith()
  const text = raw[raw.indexOf('fhirstorm-assertion') + 1] ?? ''
  const { payload } = await jwtVerify(text, createLocalJWKSet(buildSigningKeySet(signingKeys)))
  return { raw, payload }
}

test('[VE4] what an EHR writes into a session is escaped in headers, and as it was in the assertion', async t => {
  const patient = 'a\r\nFhirstorm-User: eve'
  const fhirUser = 'https://ehr.example.org/Practitioner/Jürgen "J", 医生 \ud800'
  const scope = 'patient/*.rs\tuser/*.rs patient/Ä.rs'
  const { raw, payload } = await tell(t, {
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
  const { raw, payload } = await tell(t, {
    context: { fhirContext: [], needPatientBanner: true, extras: {} },
    identity: undefined,
  })
  for (const name of ['fhirstorm-patient', 'fhirstorm-encounter', 'fhirstorm-user']) {
    assert.ok(!raw.includes(name))
  }
  assert.ok(!('patient' in payload) && !('encounter' in payload) && !('fhirUser' in payload))
})

test('[VE2] a session in an EHR’s frame is told only to callers that no form of another site could make', async t => {
  const { verifyWith, id } = await serveVerify(t, { embedded: true })
  const named = { 'fhirstorm-session': id }
  assert.equal((await verifyWith(named)).status, 403)
  assert.equal((await verifyWith({ ...named, 'x-csrf': '1' })).status, 200)
  assert.equal((await verifyWith({ ...named, 'sec-fetch-site': 'same-origin' })).status, 200)
})

test('[VE2] a session without a name is the only one of a script, or of a browser where that is allowed', async t => {
  const page = { 'sec-fetch-site': 'same-origin' }
  const ask = async (setting: Setting, headers = {}) =>
    (await (await serveVerify(t, setting)).verifyWith(headers)).status
  assert.equal(await ask({}), 200)
  assert.equal(await ask({}, page), 401)
  assert.equal(await ask({ fhirAlias: 'always' }, page), 200)
  const others = ['C'.repeat(22)]
  assert.equal(await ask({ others }), 401)
  assert.equal(await ask({ others, fhirAlias: 'always' }, page), 401)
})

test('[VE4] of several APIs an assertion is for the one that is named, and for none by chance', async t => {
  const apis = [API, { id: 'orders', audience: 'https://orders.example.org' }]
  const { verifyWith, signingKeys } = await serveVerify(t, { apis })
  const audienceOf = async (query: string) => {
    const { raw } = await verifyWith({}, query)
    const at = raw.indexOf('fhirstorm-assertion')
    if (at === -1) return undefined
    const keys = createLocalJWKSet(buildSigningKeySet(signingKeys))
    return (await jwtVerify(raw[at + 1] ?? '', keys)).payload.aud
  }
  assert.equal(await audienceOf('?api=orders'), 'https://orders.example.org')
  assert.equal(await audienceOf('?api=nobody'), undefined)
  assert.equal(await audienceOf(''), undefined)
})
