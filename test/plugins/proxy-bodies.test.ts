import assert from 'node:assert/strict'
import { beforeEach, describe, test } from 'node:test'
import { answer, type EhrRequest, headerOf } from '../network/fake-ehr.ts'
import { connectRaw } from '../network/raw.ts'
import { otherId, ours, publicUrl, useRig } from './proxy-rig.ts'

const json = { 'content-type': 'application/fhir+json' }
const MIB = 1024 * 1024

describe('bodies that are judged', () => {
  const rig = useRig({ limits: { replayBytes: 8 * MIB } })
  beforeEach(() => {
    rig.ehr.requests.length = 0
    rig.token.current = 'old'
    rig.token.renewals = ['new']
    rig.ehr.handler = async request => {
      await request.body()
      answer(request, { body: '{}' })
    }
  })
  const only = (): EhrRequest => {
    const [request] = rig.ehr.requests
    assert.ok(request && rig.ehr.requests.length === 1, `${rig.ehr.requests.length} requests`)
    return request
  }
  const references = (address: string, count: number) =>
    JSON.stringify({
      entry: Array.from({ length: count }, (_, i) => ({
        resource: { subject: { reference: `${address}/Patient/${i}` }, note: 'é'.repeat(i % 60) },
      })),
    })

  test('[P33] a large body crosses whole, with its addresses changed and its length told', async () => {
    for (const count of [1, 700, 40_000]) {
      rig.ehr.requests.length = 0
      const body = references(ours, count)
      assert.equal((await rig.call('/Bundle', { method: 'PUT', headers: json, body })).status, 200)
      const expected = references(rig.base, count)
      assert.equal(Buffer.from(await only().body(), 'latin1').toString(), expected)
      assert.equal(Number(headerOf(only(), 'content-length')), Buffer.byteLength(expected))
    }
  })

  test('[P33, R8] and again, after a renewal', async () => {
    const expected = references(rig.base, 5_000)
    rig.ehr.handler = async request => {
      assert.equal(Buffer.from(await request.body(), 'latin1').toString(), expected)
      const isNew = headerOf(request, 'authorization') === 'Bearer new'
      answer(request, { status: isNew ? 200 : 401, body: '{}' })
    }
    const headers = { ...json, 'if-match': 'W/"1"' }
    const body = references(ours, 5_000)
    assert.equal((await rig.call('/Bundle/1', { method: 'PUT', headers, body })).status, 200)
    assert.equal(rig.ehr.requests.length, 2)
  })

  test('[P33] nothing depends on where the pieces end', async () => {
    const escaped = (address: string) => references(address, 3).replaceAll('é', '\\u00e9')
    const chunks = Array.from(escaped(ours), char => `1\r\n${char}\r\n`)
    const client = await connectRaw(rig.port)
    const head = ['Content-Type: application/fhir+json', 'Transfer-Encoding: chunked']
    client.send(rig.raw('PUT /Bundle/1', head))
    for (const chunk of chunks) client.send(chunk)
    client.send('0\r\n\r\n')
    assert.match(await client.closed(), /^HTTP\/1\.1 200 /)
    assert.equal(await only().body(), escaped(rig.base))
  })

  test('[P33, DS7] others have their turn while large batches are judged', async () => {
    const body = `[${'{},'.repeat(MIB)}0]`
    let waiting = 3
    const uploads = Array.from({ length: waiting }, () =>
      rig.call('/', { method: 'POST', headers: json, body }).finally(() => waiting--),
    )
    let turns = 0
    while (waiting > 0) {
      await new Promise(resolve => setImmediate(resolve))
      turns++
    }
    for (const { status } of await Promise.all(uploads)) assert.equal(status, 200)
    // A slice is a piece of the network, and at least so large; all three share the turns.
    const slices = (uploads.length * body.length) / (128 * 1024)
    assert.ok(turns >= slices, `${turns} turns for ${slices} slices`)
  })

  test('[P32, P12] a body that two readers could read differently never leaves', async () => {
    const evil = '{"resourceType":"Bundle","entry":[{"request":{"url":"https://evil.example/"}}]}'
    const xml = 'application/fhir+xml'
    const rows: [string, string | Buffer, string][] = [
      [json['content-type'], `\ufeff${evil}`, 'body_invalid'],
      [json['content-type'], '{"entry":[]}x', 'body_invalid'],
      [json['content-type'], '{"entry":[],"entry":[]}', 'body_invalid'],
      [json['content-type'], '{/**/}', 'body_invalid'],
      [json['content-type'], Buffer.from('{}', 'utf16le'), 'body_invalid'],
      [json['content-type'], evil, 'foreign_reference'],
      ['application/fhir+ndjson', `${evil}\n`, 'foreign_reference'],
      ['text/turtle', '[] a fhir:Bundle .', 'media_type_refused'],
      ['application/graphql', '{ Patient { id } }', 'media_type_refused'],
      [`${xml}; charset=utf-16`, '<Bundle/>', 'media_type_refused'],
      [xml, '<?xml version="1.0" encoding="utf-7"?><Bundle/>', 'body_invalid'],
      [xml, '<!DOCTYPE Bundle><Bundle/>', 'body_invalid'],
      [
        xml,
        `<Bundle><entry><request><url id="value='x'" value="//e"/></request></entry></Bundle>`,
        'foreign_reference',
      ],
    ]
    for (const [type, body, code] of rows) {
      const called = await rig.call('', { method: 'POST', headers: { 'content-type': type }, body })
      assert.equal(called.refusal, code, `${type} ${body}`)
    }
    assert.equal(rig.ehr.requests.length, 0)
  })

  test('[P31, P26] a link to another session never leaves, in a body, a form, a query or a header', async () => {
    const theirs = `${publicUrl}/sessions/${otherId}/fhir/Patient/1`
    const written = theirs.replaceAll('/', '\\u002F')
    const encoded = encodeURIComponent(theirs)
    const form = { 'content-type': 'application/x-www-form-urlencoded' }
    const calls = [
      rig.call('/Observation', { method: 'POST', headers: json, body: `{"a":"${written}"}` }),
      rig.call('/Observation/_search', { method: 'POST', headers: form, body: `a=b,${encoded}` }),
      rig.call(`/Observation?subject=${encoded.replace('h', '%68')}`),
      rig.call('/Observation', {
        ...{ method: 'POST', body: '{}' },
        headers: { ...json, 'if-none-exist': `subject=${encoded}` },
      }),
      rig.call('/Observation', {
        ...{ method: 'POST', body: '{}' },
        headers: { ...json, 'x-provenance': `{"a":"${written}"}` },
      }),
    ]
    for (const { refusal } of await Promise.all(calls)) assert.equal(refusal, 'foreign_reference')
    assert.equal(rig.ehr.requests.length, 0)
  })
})
