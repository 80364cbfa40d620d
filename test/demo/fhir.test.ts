// The demo's FHIR client over real HTTP: which links it follows, how it reads documents, and what waits for
// an EHR that does not answer.

import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { after, before, describe, test } from 'node:test'
import { importDemo } from './module.ts'

const { createFhirClient } = await importDemo('fhir.js')

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
    Object.assign(globalThis, { location: new URL(`http://127.0.0.1:${port}/`) })
    fhirBaseUrl = `http://127.0.0.1:${port}/sessions/one/fhir`
  })
  after(() => server.close())

  const createClient = (onWait?: () => void) =>
    createFhirClient({ fhirBaseUrl, issuer: 'https://ehr.example/r4/' }, onWait)
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

  test('reads the bytes of a document as they are, out of a Binary, and from no other server', async () => {
    const base = new URL(fhirBaseUrl).pathname
    const binary = { resourceType: 'Binary', contentType: 'text/plain', data: 'aGVs\nbG8=' }
    for (const [contentType, body] of [
      ['application/pdf', 'hello'],
      ['application/fhir+json', binary],
    ] as const) {
      answers.set(`${base}/Binary/1`, { headers: { 'content-type': contentType }, body })
      for (const url of [
        'Binary/1',
        'https://ehr.example/r4/Binary/1',
        `${fhirBaseUrl}/Binary/1`,
      ]) {
        const blob = await createClient().readBlob(url, 'application/pdf')
        assert.match(await blob.text(), /^"?hello"?$/)
      }
    }
    asked.length = 0
    for (const url of ['https://evil.example/Binary/1', '//evil.example/', 'data:text/plain,x']) {
      assert.equal(await createClient().readBlob(url, 'application/pdf'), undefined)
    }
    assert.deepEqual(asked, [])
  })

  test('a refusal is thrown with who said so', async () => {
    const path = `${new URL(fhirBaseUrl).pathname}/Patient/a`
    answers.set(path, { status: 403, body: { issue: [{ details: { text: 'Not for you.' } }] } })
    await assert.rejects(createClient().read('Patient/a'), {
      name: 'Fault',
      kind: 'ehr',
      message: 'Not for you.',
    })
  })

  test('what waits is told, and loaded once when it is tried again', () => {
    const heard: string[] = []
    const client = createClient(() => heard.push('waits'))
    const load = () => {
      heard.push('loads')
      if (heard.length < 5) client.whenBack(load)
    }
    client.whenBack(load)
    client.tryAgain()
    client.tryAgain()
    client.tryAgain()
    assert.deepEqual(heard, ['waits', 'loads', 'waits', 'loads', 'waits', 'loads'].slice(0, 6))
  })
})
