// The demo's FHIR client over real HTTP: which links it follows, and which refusal ends a session.

import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { after, before, describe, test } from 'node:test'
import { importDemo } from './module.ts'

const { createFhirClient } = await importDemo('fhir.js')
const { Fault } = await importDemo('fault.js')

interface Prepared {
  status?: number
  headers?: Record<string, string>
  body: unknown
}

describe('the FHIR client of the demo', () => {
  const answers = new Map<string, Prepared>()
  const asked: string[] = []
  const server = createServer((req, res) => {
    asked.push(req.url ?? '')
    const {
      status = 200,
      headers = {},
      body,
    } = answers.get(req.url ?? '') ?? { status: 404, body: {} }
    res.writeHead(status, headers).end(JSON.stringify(body))
  })
  let fhirBaseUrl: string
  before(async () => {
    await new Promise<void>(done => server.listen(0, '127.0.0.1', done))
    const { port } = server.address() as { port: number }
    fhirBaseUrl = `http://127.0.0.1:${port}/sessions/one/fhir`
  })
  after(() => server.close())

  const createClient = (onEnd = () => {}) =>
    createFhirClient({ fhirBaseUrl, issuer: 'https://ehr.example/r4/' }, { onEnd })
  const page = (ids: string[], next?: string) => ({
    body: {
      resourceType: 'Bundle',
      link: next === undefined ? [] : [{ relation: 'next', url: next }],
      entry: [
        ...ids.map(id => ({ resource: { resourceType: 'Condition', id } })),
        { resource: { resourceType: 'OperationOutcome' } },
      ],
    },
  })

  test('follows next links below our base, in the spelling of the EHR too, and reads the asked type alone', async () => {
    const base = new URL(fhirBaseUrl).pathname
    answers.set(`${base}/Condition?patient=a`, page(['1'], 'https://ehr.example/r4?page=2'))
    answers.set(`${base}?page=2`, page(['2'], `${fhirBaseUrl}/Condition?page=3`))
    answers.set(`${base}/Condition?page=3`, page(['3']))
    const found = await createClient().searchAll('Condition', { patient: 'a' })
    assert.deepEqual(
      found.map(({ id }: { id: string }) => id),
      ['1', '2', '3'],
    )
  })

  test('follows no link to another server or another base', async () => {
    const base = new URL(fhirBaseUrl).pathname
    for (const next of ['https://evil.example/r4?page=2', 'https://ehr.example/r4x?page=2']) {
      answers.set(`${base}/Condition?patient=a`, page(['1'], next))
      asked.length = 0
      await createClient().searchAll('Condition', { patient: 'a' })
      assert.deepEqual(asked, [`${base}/Condition?patient=a`])
    }
  })

  test('tells a 401 of fhirstorm, which ends the session, from one of the EHR, which does not', async () => {
    const path = `${new URL(fhirBaseUrl).pathname}/Patient/a`
    const outcome = {
      issue: [{ code: 'login', details: { text: 'There is no live session here.' } }],
    }
    const ours = {
      'proxy-status': 'fhirstorm; error=http_request_denied; details="session_invalid"',
    }
    for (const [headers, source, ends] of [
      [ours, 'fhirstorm', 1],
      [{}, 'the EHR', 0],
    ] as const) {
      let ended = 0
      answers.set(path, { status: 401, headers, body: outcome })
      await assert.rejects(
        createClient(() => void ended++).read('Patient/a'),
        (fault: Record<string, unknown>) =>
          fault instanceof Fault &&
          fault.source === source &&
          fault.message === 'There is no live session here.',
      )
      assert.equal(ended, ends)
    }
  })
})
