import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts'
import { createBrowser } from '../world/browser.ts'
import { APP_URL, createApp, json, type Tokens } from './app.ts'

// The tutorial's own scopes.
const SCOPE = 'launch patient/*.* openid profile offline_access launch/patient'

let sandbox: Sandbox
let tokens: Tokens
let call: (path: string, init?: RequestInit) => Promise<Response>
before(async () => {
  sandbox = await startSandbox({ port: 0, appUrl: APP_URL })
  const app = createApp(sandbox, 'dstu2')
  const parameters = { patient: 'amy-shaw', auto: '1' }
  tokens = await app.login(createBrowser(), { scope: SCOPE, parameters })
  call = (path, init) => app.fhir(tokens.access_token, path, init)
})
after(() => sandbox.close())

test("the tutorial's login works", () => {
  assert.equal(tokens.scope, SCOPE)
  assert.equal(tokens.patient, 'amy-shaw')
})

test('a patient has the shape of DSTU2', async () => {
  const response = await call('/Patient/amy-shaw')
  assert.equal(response.headers.get('content-type'), 'application/json+fhir; charset=utf-8')
  const patient = await json<{ name: { family: string[] }[]; careProvider: unknown[] }>(response)
  assert.deepEqual(patient.name[0]?.family, ['Shaw'])
  assert.equal(patient.careProvider.length, 1)
})

test('observations are searched, and have the shape of DSTU2', async () => {
  const bundle = await json<{
    total: number
    entry: { fullUrl: string; resource: { category: { coding: unknown[] } } }[]
  }>(call('/Observation?patient=amy-shaw&category=vital-signs&_count=3'))
  assert.ok(bundle.total > 100)
  assert.match(bundle.entry[0]?.fullUrl ?? '', /\/dstu2\/Observation\//)
  assert.deepEqual(bundle.entry[0]?.resource.category, {
    coding: [{ system: 'http://hl7.org/fhir/observation-category', code: 'vital-signs' }],
  })
})

test('conditions name their patient', async () => {
  const { entry } = await json<{ entry: { resource: Record<string, unknown> }[] }>(
    call('/Condition?patient=amy-shaw'),
  )
  assert.deepEqual(entry[0]?.resource.patient, { reference: 'Patient/amy-shaw' })
  assert.equal(entry[0]?.resource.clinicalStatus, 'active')
})

test('the face is read only, and refuses in its own media type', async () => {
  const response = await call('/Observation', { method: 'POST', body: '{}' })
  assert.equal(response.status, 405)
  assert.equal(response.headers.get('content-type'), 'application/json+fhir; charset=utf-8')
  assert.equal((await call('/MedicationRequest')).status, 404)
})
