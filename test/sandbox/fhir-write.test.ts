import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
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
const note = (id?: string, text = 'Mood') => ({
  resourceType: 'Observation',
  ...(id === undefined ? {} : { id }),
  status: 'final',
  code: { text },
  subject,
})

/** Sends a resource, or anything else, as JSON. */
const write = (method: string, path: string, body: unknown, headers: Record<string, string> = {}) =>
  app.fhir(token, path, {
    method,
    headers: { 'content-type': 'application/fhir+json', ...headers },
    body: JSON.stringify(body),
  })
const statusOf = async (path: string) => (await app.fhir(token, path)).status

test('a new resource gets an id, a location and a version', async () => {
  const response = await write('POST', '/Observation', note('ignored'))
  assert.equal(response.status, 201)
  assert.equal(response.headers.get('etag'), 'W/"1"')
  const { id } = await json<{ id: string }>(response)
  assert.notEqual(id, 'ignored')
  const location = `${sandbox.base('r4')}/Observation/${id}/_history/1`
  assert.equal(response.headers.get('location'), location)
  assert.equal(await statusOf(`/Observation/${id}`), 200)
})

test('If-None-Exist creates once', async () => {
  const headers = { 'if-none-exist': 'identifier=sys|1' }
  const basic = { resourceType: 'Basic', code: { text: 'once' }, subject }
  const other = { 'if-none-exist': 'code=nothing' }
  assert.equal((await write('POST', '/Basic', basic, other)).status, 201)
  assert.equal(
    (await write('POST', '/Basic', basic, { 'if-none-exist': 'patient=amy-shaw' })).status,
    200,
  )
  assert.equal((await write('POST', '/Basic', basic)).status, 201)
  const several = { 'if-none-exist': 'patient=amy-shaw' }
  assert.equal((await write('POST', '/Basic', basic, several)).status, 412)
  assert.equal((await write('POST', '/Basic', basic, headers)).status, 400)
})

test('an update needs the version it names, and creates under an id of its own', async () => {
  assert.equal((await write('PUT', '/Observation/mine', note('mine'))).status, 201)
  const second = await write('PUT', '/Observation/mine', note('mine', 'Sleep'), {
    'if-match': 'W/"1"',
  })
  assert.equal(second.status, 200)
  assert.equal(second.headers.get('etag'), 'W/"2"')
  const stale = await write('PUT', '/Observation/mine', note('mine'), { 'if-match': 'W/"1"' })
  assert.equal(stale.status, 412)
  assert.equal((await write('PUT', '/Observation/mine', note('other'))).status, 400)
  assert.equal((await write('PUT', '/Observation/not%20an%20id', note('not an id'))).status, 400)
})

test('an update does not move a resource to another patient', async () => {
  const moved = { ...note('moved'), subject: { reference: 'Patient/hiro-tanaka' } }
  assert.equal((await write('PUT', '/Observation/moved', note('moved'))).status, 201)
  assert.equal((await write('PUT', '/Observation/moved', moved)).status, 403)
  const patch = [{ op: 'replace', path: '/subject/reference', value: 'Patient/hiro-tanaka' }]
  assert.equal((await write('PATCH', '/Observation/moved', patch)).status, 403)
})

test('a patch changes parts, or nothing at all', async () => {
  await write('PUT', '/Observation/patched', note('patched'))
  const type = { 'content-type': 'application/json-patch+json' }
  const done = await write(
    'PATCH',
    '/Observation/patched',
    [
      { op: 'test', path: '/status', value: 'final' },
      { op: 'replace', path: '/status', value: 'amended' },
      { op: 'add', path: '/note', value: [{ text: 'a' }] },
      { op: 'add', path: '/note/-', value: { text: 'b/c' } },
      { op: 'remove', path: '/code/text' },
    ],
    type,
  )
  const patched = await json(done)
  assert.equal(patched.status, 'amended')
  assert.deepEqual(patched.note, [{ text: 'a' }, { text: 'b/c' }])
  assert.deepEqual(patched.code, {})
  for (const [operation, status] of [
    [{ op: 'remove', path: '/nothing' }, 422],
    [{ op: 'test', path: '/status', value: 'final' }, 422],
    [{ op: 'replace', path: '/id', value: 'x' }, 400],
    [{ op: 'add', path: '/__proto__/polluted', value: true }, 422],
    [{ op: 'dance', path: '/status' }, 400],
  ] as const) {
    assert.equal((await write('PATCH', '/Observation/patched', [operation], type)).status, status)
  }
  assert.equal(Object.hasOwn(Object.prototype, 'polluted'), false)
})

test('what was deleted is gone', async () => {
  await write('PUT', '/Observation/gone', note('gone'))
  assert.equal((await app.fhir(token, '/Observation/gone', { method: 'DELETE' })).status, 204)
  assert.equal(await statusOf('/Observation/gone'), 410)
  assert.equal((await app.fhir(token, '/Observation/gone', { method: 'DELETE' })).status, 204)
  assert.equal((await write('PUT', '/Observation/gone', note('gone'))).status, 201)
})

test('bodies that are no such resource are refused', async () => {
  const cases: [body: string, type: string, status: number][] = [
    ['{', 'application/fhir+json', 400],
    ['[]', 'application/fhir+json', 400],
    ['{"resourceType":"Patient"}', 'application/fhir+json', 400],
    ['<Observation/>', 'application/fhir+xml', 415],
  ]
  for (const [body, type, status] of cases) {
    const init = { method: 'POST', headers: { 'content-type': type }, body }
    assert.equal((await app.fhir(token, '/Observation', init)).status, status, body)
  }
})

test('Prefer: return=minimal leaves the body out', async () => {
  const response = await write('POST', '/Observation', note(), { prefer: 'return=minimal' })
  assert.equal(response.status, 201)
  assert.equal(await response.text(), '')
})

interface Done {
  entry: { resource?: { id: string }; response: { status: string; location?: string } }[]
}

interface Refused {
  resourceType: string
}

describe('bundles', () => {
  const bundle = (type: string, entry: unknown[]) => ({ resourceType: 'Bundle', type, entry })

  test('a batch does each entry for itself', async () => {
    const response = await write(
      'POST',
      '/',
      bundle('batch', [
        { request: { method: 'GET', url: 'Patient/amy-shaw' } },
        { request: { method: 'GET', url: 'Patient/hiro-tanaka' } },
        { request: { method: 'GET', url: `${sandbox.base('r4')}/Observation?_count=1` } },
        { request: { method: 'POST', url: 'Observation' }, resource: note() },
        { request: { method: 'DANCE', url: 'Observation/1' } },
        { request: { method: 'constructor', url: 'Observation/1' } },
        { request: { method: 'GET', url: 'http://[' } },
        { request: { method: 'GET', url: 'https://evil.example/Patient/amy-shaw' } },
      ]),
    )
    const { entry } = await json<Done>(response)
    assert.deepEqual(
      entry.map(one => one.response.status),
      ['200', '403', '200', '201', '405', '405', '400', '400'],
    )
  })

  test('a transaction resolves references among its entries', async () => {
    const panel = { ...note(), hasMember: [{ reference: 'urn:uuid:one' }] }
    const response = await write(
      'POST',
      '',
      bundle('transaction', [
        { request: { method: 'POST', url: 'Observation' }, resource: panel },
        {
          fullUrl: 'urn:uuid:one',
          request: { method: 'POST', url: 'Observation' },
          resource: note(),
        },
      ]),
    )
    assert.equal(response.status, 200)
    const { entry } = await json<Done>(response)
    const [panelId, memberId] = entry.map(one => one.resource?.id)
    const read = await json<{ hasMember: unknown[] }>(app.fhir(token, `/Observation/${panelId}`))
    assert.deepEqual(read.hasMember, [{ reference: `Observation/${memberId}` }])
  })

  test('a bundle with an entry that asks for nothing is refused whole', async () => {
    const request = { method: 'POST', url: 'Observation' }
    for (const entry of [null, 4711, {}, { request: null }, { request, fullUrl: 5 }]) {
      for (const type of ['batch', 'transaction']) {
        const response = await write('POST', '', bundle(type, [{ request }, entry]))
        assert.equal(response.status, 400)
        assert.equal((await json<Refused>(response)).resourceType, 'OperationOutcome')
      }
    }
    const shapeless = await write('POST', '', { resourceType: 'Bundle', type: 'batch', entry: {} })
    assert.equal(shapeless.status, 400)
  })

  test('a transaction that fails leaves nothing behind', async () => {
    const response = await write(
      'POST',
      '',
      bundle('transaction', [
        { request: { method: 'PUT', url: 'Observation/half' }, resource: note('half') },
        { request: { method: 'DELETE', url: 'Observation/amy-shaw-hba1c-1' } },
        { request: { method: 'GET', url: 'Patient/hiro-tanaka' } },
      ]),
    )
    assert.equal(response.status, 403)
    assert.equal(await statusOf('/Observation/half'), 404)
    assert.equal(await statusOf('/Observation/amy-shaw-hba1c-1'), 200)
  })
})
