// Files at Binary: sent as they are, and read as they are.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts'
import { createBrowser } from '../world/browser.ts'
import { APP_URL, type App, createApp, json } from './app.ts'

let sandbox: Sandbox
let app: App
let token: string

before(async () => {
  sandbox = await startSandbox({ port: 0, appUrl: APP_URL })
  app = createApp(sandbox)
  token = (await app.login(createBrowser(), { parameters: { patient: 'amy-shaw', auto: '1' } }))
    .access_token
})
after(() => sandbox.close())

const subject = { reference: 'Patient/amy-shaw' }

const upload = (type: string, body: string | Buffer, headers: Record<string, string> = {}) =>
  app.fhir(token, '/Binary', {
    method: 'POST',
    headers: { 'content-type': type, ...headers },
    body: body as string,
  })

test('a file comes back as it was sent, in its own type, to its patient alone', async () => {
  const bytes = Buffer.from([0x25, 0x50, 0x44, 0x46, 0, 0xff, 0x0d, 0x0a])
  const created = await upload('application/pdf', bytes)
  assert.equal(created.status, 201)
  const resource = await json<{ id: string; contentType: string; securityContext: unknown }>(
    created,
  )
  assert.equal(resource.contentType, 'application/pdf')
  assert.deepEqual(resource.securityContext, subject)
  const read = await app.fhir(token, `/Binary/${resource.id}`, { headers: { accept: '*/*' } })
  assert.equal(read.headers.get('content-type'), 'application/pdf')
  assert.deepEqual(Buffer.from(await read.arrayBuffer()), bytes)
  const replaced = await app.fhir(token, `/Binary/${resource.id}`, {
    method: 'PUT',
    headers: { 'content-type': 'text/csv' },
    body: 'a,b',
  })
  assert.equal(replaced.status, 200)
  assert.equal(await (await app.fhir(token, `/Binary/${resource.id}`)).text(), 'a,b')
})

test('JSON is a file unless it is a Binary', async () => {
  const file = await json(upload('application/json', '{"a":1}'))
  assert.equal(file.contentType, 'application/json')
  const resource = { resourceType: 'Binary', contentType: 'text/plain', securityContext: subject }
  const created = await json(upload('application/json', JSON.stringify(resource)))
  assert.equal(created.contentType, 'text/plain')
  assert.equal((await upload('application/fhir+xml', '<Binary/>')).status, 415)
})

test("a file for another patient's record is refused", async () => {
  const context = { 'x-security-context': `${sandbox.base('r4')}/Patient/hiro-tanaka` }
  assert.equal((await upload('application/pdf', 'x', context)).status, 403)
})
