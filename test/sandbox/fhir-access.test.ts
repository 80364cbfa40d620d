import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts'
import { createBrowser } from '../world/browser.ts'
import { APP_URL, type App, createApp, json } from './app.ts'

let sandbox: Sandbox
let app: App
before(async () => {
  sandbox = await startSandbox({ port: 0, appUrl: APP_URL })
  app = createApp(sandbox)
})
after(() => sandbox.close())

/** A function that calls FHIR with a new token of this scope, and tells the status. */
async function caller(scope: string, choice: Record<string, string> = {}) {
  const { access_token: token } = await app.login(createBrowser(), {
    scope: `launch/patient ${scope}`,
    parameters: { patient: 'amy-shaw', auto: '1', ...choice },
  })
  return (path: string, init?: RequestInit) => app.fhir(token, path, init)
}

const observation = (subject: string) => ({
  method: 'POST',
  headers: { 'content-type': 'application/fhir+json' },
  body: JSON.stringify({
    resourceType: 'Observation',
    status: 'final',
    code: { text: 'Mood' },
    subject: { reference: `Patient/${subject}` },
  }),
})

const totalOf = async (response: Promise<Response>) =>
  (await json<{ total: number }>(response)).total

test('without a token nothing but discovery is answered', async () => {
  for (const path of ['/Patient/amy-shaw', '/Observation', '/Unicorn']) {
    const response = await fetch(`${sandbox.base('r4')}${path}`)
    assert.equal(response.status, 401)
    assert.equal(response.headers.get('www-authenticate'), 'Bearer realm="sandbox"')
    assert.equal((await json(response)).resourceType, 'OperationOutcome')
  }
})

test('a made-up token is invalid_token', async () => {
  const response = await app.fhir('made-up', '/Patient/amy-shaw')
  assert.equal(response.status, 401)
  assert.match(response.headers.get('www-authenticate') ?? '', /error="invalid_token"/)
})

test('patient/ scopes never leave the compartment', async () => {
  const call = await caller('patient/*.cruds')
  assert.equal((await call('/Patient/amy-shaw')).status, 200)
  assert.equal((await call('/Patient/hiro-tanaka')).status, 403)
  assert.equal((await call('/Observation/hiro-tanaka-weight-1')).status, 403)
  assert.equal((await call('/Patient/hiro-tanaka/$everything')).status, 403)
  assert.equal((await call('/Binary/hiro-tanaka-picture-content')).status, 403)
  assert.equal((await call('/Practitioner/maria-rivera')).status, 200, "nobody's is everybody's")
  assert.equal(await totalOf(call('/Patient')), 1)
  assert.equal(await totalOf(call('/Observation?patient=hiro-tanaka')), 0)
  assert.equal((await call('/Observation', observation('amy-shaw'))).status, 201)
  assert.equal((await call('/Observation', observation('hiro-tanaka'))).status, 403)
})

test('scopes of v1 and v2 allow what their letters say', async () => {
  const cases: [scope: string, read: number, search: number, create: number][] = [
    ['patient/Observation.read', 200, 200, 403],
    ['patient/Observation.write', 403, 403, 201],
    ['patient/Observation.*', 200, 200, 201],
    ['patient/Observation.r', 200, 403, 403],
    ['patient/Observation.s', 403, 200, 403],
    ['patient/Observation.c', 403, 403, 201],
    ['patient/Condition.cruds', 403, 403, 403],
  ]
  for (const [scope, ...expected] of cases) {
    const call = await caller(scope)
    const statuses = [
      (await call('/Observation/amy-shaw-hba1c-1')).status,
      (await call('/Observation')).status,
      (await call('/Observation', observation('amy-shaw'))).status,
    ]
    assert.deepEqual(statuses, expected, scope)
  }
})

test('a refusal for scope says insufficient_scope', async () => {
  const call = await caller('patient/Condition.rs')
  const response = await call('/Observation')
  assert.equal(response.headers.get('www-authenticate'), 'Bearer error="insufficient_scope"')
})

test('a finer scope allows what its parameters match', async () => {
  const call = await caller('patient/Observation.rs?category=laboratory')
  assert.equal((await call('/Observation/amy-shaw-hba1c-1')).status, 200)
  assert.equal((await call('/Observation/amy-shaw-weight-1')).status, 403)
  assert.equal(await totalOf(call('/Observation?category=vital-signs')), 0)
  assert.ok((await totalOf(call('/Observation'))) > 50)
})

test('user/ scopes reach as far as the user does', async () => {
  const clinician = await caller('user/*.rs')
  assert.equal((await clinician('/Observation/hiro-tanaka-weight-1')).status, 200)
  assert.equal(await totalOf(clinician('/Patient')), 10)
  const patient = await caller('user/*.cruds', { user: 'farid-haddad', patient: 'farid-haddad' })
  assert.equal((await patient('/Patient/farid-haddad')).status, 200)
  assert.equal((await patient('/Patient/amy-shaw')).status, 403)
  assert.equal(await totalOf(patient('/Patient')), 1)
  assert.equal((await patient('/Practitioner/maria-rivera', { method: 'DELETE' })).status, 403)
})

test('a page of a search shows no more than the token that asks for it may see', async () => {
  const clinician = await caller('user/*.rs')
  const { link } = await json<{ link: { relation: string; url: string }[] }>(
    clinician('/Patient?_count=2'),
  )
  const next = link.find(({ relation }) => relation === 'next')?.url ?? ''
  const patient = await caller('patient/*.rs')
  assert.equal(await totalOf(patient(next.slice(sandbox.base('r4').length))), 1)
})
