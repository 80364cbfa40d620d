// The client's calls over real HTTP: what it sends where, and what it learns from answers.

import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { type Client, createClient, Fault, readLanding, toFhirClient } from '../../client/index.ts'
import { buildProxyStatus } from '../../src/proxy/outcome.ts'
import { type Prepared, startPrepared } from './prepared.ts'
import { buildSession } from './session.ts'

const id = 'AAAAAAAAAAAAAAAAAAAAAA'

describe('the client', () => {
  let server: Prepared
  let elsewhere: Prepared
  let client: Client
  before(async () => {
    server = await startPrepared()
    elsewhere = await startPrepared()
  })
  after(async () => {
    await server.stop()
    await elsewhere.stop()
  })
  beforeEach(async () => {
    server.sessions = [buildSession({ id })]
    server.answer = () => undefined
    client = createClient({ baseUrl: server.url })
    await client.sessions()
    server.asked.length = 0
  })

  const refuse = (code: Parameters<typeof buildProxyStatus>[0], status: number) => {
    server.answer = () => ({ status, headers: { 'proxy-status': buildProxyStatus(code) } })
  }
  const fhir = (path: string) => `${server.url}/sessions/${id}/fhir/${path}`
  const known = () => client.store.getSnapshot()

  test('sends X-CSRF to fhirstorm and to nobody else, and leaves all else as it was asked', async () => {
    const { fetch } = client
    const init = { method: 'POST', headers: { 'x-one': '1' }, body: 'a=b' }
    await fetch(fhir('_search'), init)
    await fetch(new Request(fhir('Patient'), { headers: { 'x-one': '1' } }))
    await fetch(new URL(`${elsewhere.url}/sessions`), init)
    const [search, read] = server.asked
    assert.deepEqual([search?.method, search?.headers['x-csrf']], ['POST', '1'])
    assert.deepEqual([read?.headers['x-one'], read?.headers['x-csrf']], ['1', '1'])
    const [foreign] = elsewhere.asked
    assert.deepEqual([foreign?.headers['x-one'], foreign?.headers['x-csrf']], ['1', undefined])
  })

  test('reading a session keeps it alive only when that is asked for', async () => {
    await client.session(id)
    await client.session(id, { slide: true })
    assert.deepEqual(
      server.asked.map(({ path }) => path),
      [`/sessions/${id}?slide=false`, `/sessions/${id}?slide=true`],
    )
  })

  test('an answer that ends the session takes it away, and no other 401 does', async () => {
    for (const code of ['upstream_unauthorized', 'session_expired', 'session_invalid'] as const) {
      client = createClient({ baseUrl: server.url })
      server.answer = () => undefined
      await client.sessions()
      refuse(code, 401)
      assert.equal((await client.fetch(fhir('Patient'))).status, 401)
      const reason = code === 'session_expired' ? 'ehr' : 'unknown'
      assert.deepEqual(known().ended, code === 'upstream_unauthorized' ? [] : [{ id, reason }])
    }
    client = createClient({ baseUrl: server.url })
    server.answer = path => (path.includes('/fhir') ? { status: 401 } : undefined)
    await client.sessions()
    await client.fetch(fhir('Patient'))
    assert.deepEqual(known().ended, [])
  })

  test('answers tell that an EHR is down, and that it is there again', async () => {
    refuse('upstream_unreachable', 502)
    await client.fetch(fhir('Patient'))
    assert.deepEqual(known().ehrsDown, ['general'])
    refuse('path_invalid', 400)
    await client.fetch(fhir('Patient'))
    assert.deepEqual(known().ehrsDown, ['general'])
    server.answer = () => ({ status: 404 })
    await client.fetch(fhir('Patient'))
    assert.deepEqual(known().ehrsDown, [])
  })

  test('logging out names where the EHR can be left, web addresses alone, and ends what is known', async () => {
    assert.deepEqual(await client.logout(id), { endSessionUrls: [] })
    assert.deepEqual(known().ended, [{ id, reason: 'logout' }])
    assert.deepEqual(await client.logout(), { endSessionUrls: ['https://ehr.example/end'] })
    assert.deepEqual(
      server.asked.map(({ method, path }) => `${method} ${path}`),
      [`DELETE /sessions/${id}`, 'POST /logout'],
    )
  })

  test('[O10] a logout whose rest is still to come takes the record from sight, and names where to go', async () => {
    const end = 'https://ehr.example/end'
    for (const code of ['logout_incomplete', 'audit_unavailable'] as const) {
      const headers = { 'proxy-status': buildProxyStatus(code) }
      for (const [asked, members] of [
        [id, { endSessionUrl: end }],
        [id, { endSessionUrl: null }],
        [undefined, { endSessionUrls: [end, 'javascript:alert(1)'] }],
      ] as const) {
        client = createClient({ baseUrl: server.url })
        server.answer = () => undefined
        await client.sessions()
        server.answer = () => ({ status: 503, headers, body: { code, ...members } })
        const fault = await client.logout(asked).catch((error: unknown) => error)
        assert.ok(fault instanceof Fault && fault.code === code)
        const expected = 'endSessionUrl' in members && members.endSessionUrl === null ? [] : [end]
        assert.deepEqual(fault.endSessionUrls, expected)
        assert.deepEqual(known().sessions, [])
        assert.deepEqual(known().ended, [{ id, reason: 'logout' }])
      }
    }
    // A refusal before anything was done ends nothing.
    client = createClient({ baseUrl: server.url })
    server.answer = () => undefined
    await client.sessions()
    refuse('overloaded', 503)
    await assert.rejects(client.logout(), { code: 'overloaded', endSessionUrls: [] })
    assert.equal(known().sessions.length, 1)
  })

  test('a refusal is a Fault with its code, and no answer at all is one of the network', async () => {
    refuse('vault_unavailable', 503)
    await assert.rejects(client.ehrs(), (fault: unknown) => {
      assert.ok(fault instanceof Fault)
      assert.deepEqual([fault.kind, fault.code], ['refused', 'vault_unavailable'])
      return true
    })
    const lost = createClient({ baseUrl: 'http://127.0.0.1:1/' })
    await assert.rejects(lost.sessions(), (fault: unknown) => {
      assert.ok(fault instanceof Fault)
      assert.deepEqual([fault.kind, fault.status, fault.endsSession], ['network', 0, false])
      return true
    })
  })

  test('builds the address of a login, below a path too', () => {
    const below = createClient({ baseUrl: 'https://app.example/bff' })
    assert.equal(below.loginUrl(), 'https://app.example/bff/login')
    assert.equal(
      below.loginUrl({ ehr: 'a b', returnTo: '/app?x=1#y' }),
      'https://app.example/bff/login?ehr=a+b&return_to=%2Fapp%3Fx%3D1%23y',
    )
  })

  test('nothing is asked of the page before it is needed, so that servers can render ahead', () => {
    const { store, loginUrl } = createClient({ baseUrl: '/bff' })
    assert.equal(store.getSnapshot().state, 'unknown')
    assert.throws(() => loginUrl(), TypeError)
  })
})

test('a landing is a session or the code of a refusal', () => {
  assert.deepEqual(readLanding('https://a.example/?session=x'), { session: 'x', error: undefined })
  const { error } = readLanding('https://a.example/app?error=access_denied#top')
  assert.equal(error, 'access_denied')
})

test('the state for fhirclient says who and whom, and holds nothing that opens anything', () => {
  const session = buildSession({ fhirUser: 'https://ehr.example/r4/Practitioner/zoë' })
  for (const fhirUser of [
    session.fhirUser,
    'Practitioner/zoë',
    `${session.fhirBaseUrl}/Practitioner/zoë`,
  ]) {
    const { serverUrl, tokenResponse } = toFhirClient({ ...session, fhirUser })
    assert.equal(serverUrl, session.fhirBaseUrl)
    assert.equal(tokenResponse.patient, 'amy-shaw')
    assert.ok(!('access_token' in tokenResponse))
    const [head = '', claims = '', signature] = tokenResponse.id_token?.split('.') ?? []
    const read = (part: string) => JSON.parse(Buffer.from(part, 'base64url').toString())
    assert.deepEqual(read(head), { alg: 'none' })
    assert.deepEqual(read(claims), { fhirUser: 'Practitioner/zoë' })
    assert.equal(signature, '')
  }
  assert.ok(!('id_token' in toFhirClient(buildSession()).tokenResponse))
})
