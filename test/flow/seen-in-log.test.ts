// What an operator reads of who did what: one id for a request in its answer, its page and its lines; the
// caller's own ids beside it; pseudonyms of session and user; and an act of its own for each login, denial,
// logout, ending and administrative act.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { createBrowser } from '../world/browser.ts'
import { findPort } from '../world/port.ts'
import { createWorld, type World } from '../world/world.ts'
import { logIn } from './login.ts'

let world: World
let port: number
before(async () => {
  port = await findPort()
  world = await createWorld({
    configure(document) {
      document.admin = { port }
    },
  })
})
after(() => world.close())

type Line = Record<string, unknown>
const lines = (): Line[] => world.log.map(line => JSON.parse(line) as Line)
const acts = (event: string) => lines().filter(line => line.event === event)
const lineOf = (reqId: unknown) =>
  lines().find(line => line.msg === 'request' && line.reqId === reqId)

const TRACE = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`

test('[OB1] one request id in the answer, the page, the problem document and the log', async () => {
  const browser = createBrowser()
  const page = await browser.navigate(`${world.app}/login?ehr=nobody`)
  const [, shown] = /Request ([\w-]+)</.exec(page.text) ?? []
  assert.equal(page.headers.get('x-request-id'), shown)
  assert.equal(lineOf(shown)?.code, 'unknown_ehr')
  const problem = await browser.fetch(`${world.app}/nothing-here`)
  const id = problem.headers.get('x-request-id')
  assert.equal(problem.json<{ requestId: string }>().requestId, id)
  assert.equal(lineOf(id)?.code, 'not_found')
  const { fhirBaseUrl } = await logIn(world, browser, 'amy-shaw')
  const read = await browser.fetch(`${fhirBaseUrl}/Patient/amy-shaw`)
  assert.equal(read.status, 200)
  const line = lineOf(read.headers.get('x-request-id'))
  assert.deepEqual([line?.ehr, line?.status], ['general', 200])
})

test("[OB1, G1] the caller's ids stand in the line, and only plain ones", async () => {
  const ask = async (headers: Record<string, string>) => {
    const answer = await fetch(`${world.app}/ehrs`, { headers })
    await answer.body?.cancel()
    return lineOf(answer.headers.get('x-request-id'))
  }
  const plain = await ask({ traceparent: TRACE, 'x-request-id': 'lb-1/77' })
  assert.deepEqual([plain?.traceparent, plain?.callerId], [TRACE, 'lb-1/77'])
  const strange = await ask({ traceparent: `${TRACE}-amy`, 'x-request-id': 'amy shaw' })
  assert.deepEqual([strange?.traceparent, strange?.callerId], [undefined, undefined])
  const long = await ask({ 'x-request-id': 'a'.repeat(65) })
  assert.equal(long?.callerId, undefined)
})

test('[OB2] login, reads, refusals and logout are told of one session under one pseudonym', async () => {
  const browser = createBrowser()
  const { id, fhirBaseUrl } = await logIn(world, browser, 'amy-shaw')
  const login = acts('login').at(-1)
  assert.deepEqual([login?.ehr, login?.reason], ['general', 'standalone'])
  assert.match(`${login?.session} ${login?.user}`, /^[\w-]{12} [\w-]{12}$/)
  assert.equal(login?.caller, '127.0.0.1')
  assert.equal(typeof login?.reqId, 'string')
  const read = await browser.fetch(`${fhirBaseUrl}/Patient/amy-shaw`)
  const refused = await browser.fetch(`${fhirBaseUrl}/Patient/amy-shaw?a=%zz`)
  assert.equal(refused.status, 400)
  const stranger = await createBrowser().fetch(`${fhirBaseUrl}/Patient/amy-shaw`)
  assert.equal(stranger.status, 401)
  for (const answer of [read, refused, stranger]) {
    assert.equal(lineOf(answer.headers.get('x-request-id'))?.session, login?.session)
  }
  const gone = await browser.fetch(`${world.app}/sessions/${id}`, { method: 'DELETE' })
  assert.equal(gone.status, 200)
  const logout = acts('logout').at(-1)
  assert.deepEqual(
    [logout?.ehr, logout?.session, logout?.user, logout?.reason, logout?.caller],
    ['general', login?.session, login?.user, 'user', login?.caller],
  )
  assert.equal(logout?.reqId, gone.headers.get('x-request-id'))
  const log = world.log.join('')
  for (const word of [id, 'amy-shaw', 'practitioner', 'Rivera'])
    assert.ok(!log.includes(word), word)
})

test("[OB2] an ending has its reason, and an administrator's act the number", async () => {
  const end = (query: string) =>
    fetch(`http://127.0.0.1:${port}/sessions?${query}`, { method: 'DELETE' })
  await (await end('all=true')).text()
  await logIn(world, createBrowser(), 'amy-shaw')
  const login = acts('login').at(-1)
  const answer = await end('ehr=general')
  assert.deepEqual([answer.status, await answer.text()], [200, '{"ended":1}'])
  const ending = acts('ending').find(({ session }) => session === login?.session)
  assert.deepEqual([ending?.ehr, ending?.reason], ['general', 'operator'])
  const act = acts('administration').at(-1)
  assert.deepEqual(
    [act?.ehr, act?.reason, act?.sessions, act?.caller],
    ['general', 'sessions_ended', 1, '127.0.0.1'],
  )
})

test('[OB2] a refusal tells the EHR and the session wherever the request names them', async t => {
  const outage = await createWorld({
    configure(document, sandboxUrl) {
      const [general] = document.ehrs
      document.facade = { launchUrl: '/launch.html', redirectUris: ['/'], clientId: 'app' }
      document.ehrs.push({ ...general, id: 'down', iss: `${sandboxUrl}/nothing-here` })
    },
  })
  t.after(() => outage.close())
  const { app, sandbox, log } = outage
  const browser = createBrowser()
  const { id } = await logIn(outage, browser, 'amy-shaw')
  const session = outage.product.smartSessions.recordId(id).slice(0, 12)
  const iss = encodeURIComponent(`${sandbox.url}/r4`)
  const down = encodeURIComponent(`${sandbox.url}/nothing-here`)
  const cookie = [...browser.cookies(app)].map(pair => pair.join('=')).join('; ')
  const evil = { cookie, origin: 'https://evil.example' }
  const general = { ehr: 'general', session: undefined }
  const ours = { ehr: 'general', session }
  const nobody = { ehr: undefined, session: undefined }
  const cases: [string, RequestInit, string, { ehr?: string; session?: string }][] = [
    // Before anybody logs in, and on the way back.
    [`/launch?iss=${iss}&launch=`, {}, 'launch_invalid', general],
    [
      `/launch?iss=${iss}&launch=a`,
      { headers: { purpose: 'prefetch' } },
      'prefetch_refused',
      general,
    ],
    [`/launch/general?iss=${down}&launch=a`, {}, 'unknown_issuer', general],
    ['/launch/general', {}, 'launch_invalid', general],
    ['/login?ehr=general&iss=', {}, 'launch_invalid', general],
    ['/login?ehr=down', {}, 'no_oauth_metadata', { ...general, ehr: 'down' }],
    ['/login?ehr=nobody', {}, 'unknown_ehr', nobody],
    ['/redirect/general?code=a', {}, 'state_missing', general],
    ['/redirect/general?code=a&state=b', {}, 'state_invalid', general],
    ['/redirect/down?error=access_denied', {}, 'answer_unbound', { ...general, ehr: 'down' }],
    ['/redirect/nobody?code=a&state=b', {}, 'state_invalid', nobody],
    ['/redirect?code=a&state=b', {}, 'state_invalid', nobody],
    // Of a session, before it is looked up and after.
    [`/sessions/${id}`, { headers: evil }, 'cross_site', ours],
    [`/sessions/${id}`, {}, 'session_invalid', { ehr: undefined, session }],
    [`/sessions/${id}`, { method: 'DELETE', headers: { cookie } }, 'csrf_header_missing', ours],
    [`/sessions/${id}/fhir/Patient`, { headers: evil }, 'cross_site', ours],
    [`/sessions/${id}/fhir/Patient/a%2f..`, { headers: { cookie } }, 'path_invalid', ours],
    [
      `/sessions/${id}/fhir/Patient`,
      { method: 'POST', headers: { cookie } },
      'csrf_header_missing',
      ours,
    ],
    ['/fhir/Patient', { headers: evil }, 'cross_site', ours],
    ['/fhir/Patient', {}, 'session_invalid', nobody],
    // Of the façade, whose paths name the EHR.
    ['/smart/general/authorize', {}, 'facade_client_invalid', general],
    ['/smart/general/Patient', {}, 'session_invalid', general],
    ['/smart/down/Patient', {}, 'session_invalid', { ...general, ehr: 'down' }],
    ['/smart/nobody/metadata', {}, 'unknown_ehr', nobody],
  ]
  const [seen, wanted]: unknown[][] = [[], []] as [unknown[], unknown[]]
  for (const [path, init, code, told] of cases) {
    const answer = await fetch(app + path, { redirect: 'manual', ...init })
    await answer.body?.cancel()
    const requestId = answer.headers.get('x-request-id')
    const written = log.map(line => JSON.parse(line)).filter(({ reqId }) => reqId === requestId)
    const line = written.find(({ msg }) => msg === 'request')
    seen.push([path, line?.code, line?.ehr, line?.session])
    wanted.push([path, code, told.ehr, told.session])
    for (const one of written) assert.equal(one.ehr, line?.ehr, `${path} ${one.msg}`)
  }
  assert.deepEqual(seen, wanted)
  // The only EHR there is needs no naming.
  const only = await createWorld({
    configure(document) {
      document.ehrs.length = 1
    },
  })
  t.after(() => only.close())
  for (const path of ['/redirect?code=a&state=b', '/login?iss=']) {
    const answer = await fetch(only.app + path)
    await answer.body?.cancel()
    const line = JSON.parse(only.log.findLast(text => text.includes('"msg":"request"')) ?? '{}')
    assert.deepEqual([line.status, line.ehr], [400, 'general'], path)
  }
})
