// Requests to the proxy: their targets, headers, methods and types, and what of them crosses to the EHR.

import assert from 'node:assert/strict'
import { beforeEach, describe, test } from 'node:test'
import { answer, type EhrRequest, headerOf } from '../network/fake-ehr.ts'
import { connectRaw, exchangeRaw } from '../network/raw.ts'
import { ours, sessionId, useRig } from './proxy-rig.ts'

describe('what crosses to the EHR', () => {
  const rig = useRig()
  beforeEach(() => {
    rig.ehr.requests.length = 0
    rig.ehr.handler = async request => {
      const body = await request.body()
      answer(request, { headers: { 'content-type': 'text/plain' }, body })
    }
  })
  const only = (): EhrRequest => {
    const [request] = rig.ehr.requests
    assert.ok(request && rig.ehr.requests.length === 1, `${rig.ehr.requests.length} requests`)
    return request
  }
  const statusOf = (text: string) => Number(/^HTTP\/1\.1 (\d{3}) /.exec(text)?.[1])

  test('[P1, P3, P5] nothing is sent for a target that climbs, wanders or misleads', async () => {
    const targets = [
      ...['/../x', '/%2e%2e/x', '/.%2e/x', '/..%2fx', '/%252e%252e/x', '/..\\x', '/%5cx', '/..;/x'],
      ...[
        '/.%09./x',
        '//evil.example/x',
        '/\\evil',
        '/http://evil/',
        '/http:evil',
        '/x#y',
        '/x%00',
      ],
      ...['/x%0d%0ay', '/x?a=%0d%0ab', '/x%', '/x%zz', '/%c0%ae%c0%ae/', '/x?_format=html'],
    ]
    for (const target of targets) {
      const got = await exchangeRaw(rig.port, rig.raw(`GET ${target}`))
      assert.equal(statusOf(got), 400, `${target}: ${got.slice(0, 80)}`)
      assert.match(got, /Proxy-Status: fhirstorm/i)
    }
    const long = await exchangeRaw(rig.port, rig.raw(`GET /${'x'.repeat(9000)}`))
    assert.equal(statusOf(long), 414)
    const longer = await exchangeRaw(rig.port, rig.raw(`GET /${'x'.repeat(20_000)}`))
    assert.ok([414, 431].includes(statusOf(longer)))
    const high = await exchangeRaw(rig.port, rig.raw('GET /é'))
    assert.equal(statusOf(high), 400)
    assert.equal(rig.ehr.requests.length, 0)
  })

  test('[P2, P4, P6] nor for a path written otherwise, an absolute target or another host', async () => {
    const cookie = `Cookie: t-${sessionId}=x\r\nConnection: close\r\n\r\n`
    const path = `/bff/sessions/${sessionId}/fhir/Patient`
    const rows: [string, number][] = [
      [`GET ${path.replace('fhir', '%66hir')} HTTP/1.1\r\nHost: app.example.org\r\n${cookie}`, 400],
      [`GET http://evil.example${path} HTTP/1.1\r\nHost: app.example.org\r\n${cookie}`, 400],
      [`GET https://app.example.org${path} HTTP/1.1\r\nHost: app.example.org\r\n${cookie}`, 400],
      [`GET ${path} HTTP/1.1\r\nHost: evil.example\r\n${cookie}`, 421],
      [`GET ${path} HTTP/1.1\r\nHost: app.example.org\r\nHost: app.example.org\r\n${cookie}`, 400],
      [`GET ${path} HTTP/1.0\r\n${cookie}`, 400],
    ]
    for (const [bytes, expected] of rows) {
      assert.equal(statusOf(await exchangeRaw(rig.port, bytes)), expected, bytes)
    }
    assert.equal(rig.ehr.requests.length, 0)
  })

  test('[P7, P8, P9] only listed headers cross, and exactly one Authorization: ours', async () => {
    const sent = [
      ...[
        'Connection: authorization, x-request-id, if-match',
        'Keep-Alive: timeout=5',
        'TE: trailers',
      ],
      ...['Authorization: Bearer stolen', 'AUTHORIZATION: Basic x', 'Proxy-Authorization: Basic x'],
      ...['X-Forwarded-For: 1.2.3.4', 'X-Forwarded-Host: evil', 'Forwarded: for=1', 'X-Real-IP: 1'],
      ...[
        'X_Forwarded_For: 1',
        'X-Original-URL: /x',
        'X-HTTP-Method-Override: DELETE',
        'Expect: 100-continue',
      ],
      ...[
        '__proto__: x',
        'constructor: x',
        'Trailer: x',
        'Proxy-Connection: close',
        'If-Match: W/"1"',
      ],
      ...[
        'X-Request-Id: abc',
        'Range: bytes=0-1',
        'Origin: https://app.example.org',
        'Cookie: more=x',
      ],
    ]
    const got = await exchangeRaw(rig.port, rig.raw('GET /Patient/1', sent))
    assert.match(got, /^HTTP\/1\.1 100 [\s\S]*\r\nHTTP\/1\.1 200 /)
    const odd = await exchangeRaw(rig.port, rig.raw('GET /Patient/1', ['Expect: x']))
    assert.equal(statusOf(odd), 417)
    const request = only()
    assert.equal(headerOf(request, 'authorization'), 'Bearer token-1')
    assert.equal(headerOf(request, 'if-match'), 'W/"1"')
    assert.deepEqual(request.headers.map(([name]) => name).sort(), [
      ...['accept', 'accept-encoding', 'authorization', 'connection', 'host', 'if-match'],
      ...['user-agent', 'x-request-id'],
    ])
    assert.ok(!/stolen|evil|1\.2\.3\.4|=x/.test(request.head))
  })

  test('[Q53] a media type with faults is sent well written, and once', async () => {
    rig.ehr.handler = request => answer(request, { body: '{}' })
    const rows: [lines: string[], written: string][] = [
      [['Content-Type: application/json; charset=utf-8;'], 'application/json;charset=utf-8'],
      [
        ['Content-Type: application/fhir+json', 'Content-Type: application/fhir+json'],
        'application/fhir+json',
      ],
      [['Content-Type: application/fhir+json, application/fhir+json'], 'application/fhir+json'],
      [['Content-Type: Application/JSON;;'], 'application/json'],
    ]
    for (const [lines, written] of rows) {
      const asked = rig.ehr.requests.length
      const sent = rig.raw('PUT /Patient/1', [...lines, 'Content-Length: 2'], '{}')
      assert.equal(statusOf(await exchangeRaw(rig.port, sent)), 200, lines[0])
      const request = rig.ehr.requests[asked]
      const types = request?.headers.filter(([name]) => name === 'content-type')
      assert.deepEqual(types, [['content-type', written]])
    }
    const latin1 = ['Content-Type: application/fhir+json; charset=ISO-8859-1', 'Content-Length: 2']
    assert.equal(
      statusOf(await exchangeRaw(rig.port, rig.raw('PUT /Patient/1', latin1, '{}'))),
      415,
    )
  })

  test('every method and body of FHIR crosses', async () => {
    const json = 'application/fhir+json'
    const rows: [string, string, string, string][] = [
      ['POST', '/Patient', json, '{"resourceType":"Patient"}'],
      ['PUT', '/Patient/1', 'application/fhir+xml', '<Patient xmlns="http://hl7.org/fhir"/>'],
      ['PATCH', '/Patient/1', 'application/json-patch+json', '[]'],
      ['POST', '/Patient/_search', 'application/x-www-form-urlencoded', 'name=a%20b&_format=json'],
      ['POST', '/$graphql', 'application/graphql', '{ Patient { id } }'],
      ['POST', '/Patient/1/$everything', json, '{"resourceType":"Parameters"}'],
      ['POST', '', json, '{"resourceType":"Bundle","type":"batch","entry":[]}'],
      ['POST', '/Binary', 'image/png', '\u0001\u0002\u0003'],
    ]
    for (const [method, path, type, body] of rows) {
      rig.ehr.requests.length = 0
      const { status, text } = await rig.call(path, {
        method,
        headers: { 'content-type': type },
        body,
      })
      assert.equal(status, 200, `${method} ${path}`)
      assert.equal(text, body)
      const request = only()
      assert.equal(request.method, method)
      assert.equal(request.path, `/fhir/r4${path}`)
      assert.equal(headerOf(request, 'content-type'), type)
      assert.equal(headerOf(request, 'content-length'), String(body.length))
    }
    rig.ehr.requests.length = 0
    assert.equal((await rig.call('/Patient/1/$validate', { method: 'POST' })).status, 200)
    assert.equal(headerOf(only(), 'content-type'), undefined)
  })

  test('[X8] garbage for a Content-Type is a 415, and so is none', async () => {
    for (const type of [
      'text/plain',
      'a/b;;',
      'multipart/form-data; boundary=x',
      'image/png',
      '',
    ]) {
      const headers = type === '' ? [] : [`Content-Type: ${type}`]
      const bytes = rig.raw('POST /Patient', [...headers, 'Content-Length: 2'], '{}')
      assert.equal(statusOf(await exchangeRaw(rig.port, bytes)), 415, type)
    }
    assert.equal(rig.ehr.requests.length, 0)
  })

  test('[P10, P24] a search form hides neither a method nor a format', async () => {
    const post = (body: string) =>
      rig.call('/Patient/_search', {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body,
      })
    assert.equal((await post('_method=DELETE')).refusal, 'query_invalid')
    assert.equal((await post('a=b&_format=html')).refusal, 'format_refused')
    assert.equal((await post(`${'a&'.repeat(9_000)}%5Fmethod=PUT`)).refusal, 'query_invalid')
    assert.equal(rig.ehr.requests.length, 0)
  })

  test('[P12, SC-22, AL-53] an entry of a batch names no other server', async () => {
    const send = (url: string) =>
      rig.call('/', {
        method: 'POST',
        headers: { 'content-type': 'application/fhir+json' },
        body: JSON.stringify({
          resourceType: 'Bundle',
          entry: [{ request: { method: 'GET', url } }],
        }),
      })
    for (const url of ['https://evil.example/x', '//evil.example', '../../x']) {
      assert.equal((await send(url)).refusal, 'foreign_reference')
    }
    assert.equal(rig.ehr.requests.length, 0)
    assert.equal((await send(`${ours}/Patient/1`)).status, 200)
    assert.ok((await only().body()).includes(`${rig.base}/Patient/1`))
  })

  test('[P21] requests on one connection are each judged, in order', async () => {
    const keep = rig.raw('GET /Patient/1').replace('Connection: close\r\n', '')
    const bad = rig.raw('GET /x;y').replace('Connection: close\r\n', '')
    const client = await connectRaw(rig.port)
    client.send(`${keep}${bad}`.repeat(20) + rig.raw('GET /Patient/2'))
    const statuses = [...(await client.closed()).matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, s]) => s)
    assert.deepEqual(statuses, [
      ...Array.from({ length: 40 }, (_, i) => (i % 2 ? '400' : '200')),
      '200',
    ])
    assert.equal(rig.ehr.requests.length, 21)
  })

  test('[P23] a heap of headers is a 431', async () => {
    const many = Array.from({ length: 300 }, (_, i) => `X-${i}: ${'x'.repeat(100)}`)
    assert.equal(statusOf(await exchangeRaw(rig.port, rig.raw('GET /Patient', many))), 431)
    const big = rig.raw('GET /Patient', [`X-Big: ${'x'.repeat(20_000)}`])
    assert.equal(statusOf(await exchangeRaw(rig.port, big)), 431)
    assert.equal(rig.ehr.requests.length, 0)
  })

  test('[P29] requests that undici would refuse never wedge the pool', async () => {
    for (let i = 0; i < 300; i++) {
      rig.token.current = i % 2 ? 'odd\u0000token' : 'ümlaut'
      assert.equal((await rig.call('/Patient/1')).status, 502)
    }
    rig.token.current = 'token-1'
    for (let i = 0; i < 100; i++) {
      await exchangeRaw(rig.port, rig.raw('GET /Patient', ['If-Match: \u0001']))
      await exchangeRaw(rig.port, rig.raw('GET /Patient', ['Prefer: caf\u00e9']))
    }
    assert.equal((await rig.call('/Patient/1')).status, 200)
  })
})

describe('where nothing is rewritten', () => {
  const rig = useRig({ registration: { rewrite: false } })

  test('[P28] bytes, ranges and codings pass untouched, both ways', async () => {
    rig.ehr.handler = async request =>
      answer(request, {
        status: 206,
        headers: { 'content-range': 'bytes 0-9/100', etag: '"x"', 'content-encoding': 'br' },
        body: await request.body(),
      })
    const body = JSON.stringify({ reference: `${ours}/Patient/1`, url: `${rig.base}/x` })
    const { text, headers } = await rig.call('/Patient', {
      method: 'PUT',
      headers: {
        'content-type': 'application/fhir+json',
        range: 'bytes=0-9',
        'accept-encoding': 'br',
      },
      body,
    })
    assert.equal(text, body)
    assert.equal(headers['content-range'], 'bytes 0-9/100')
    assert.equal(headers.etag, '"x"')
    assert.equal(headers['content-encoding'], 'br')
    const [sent] = rig.ehr.requests
    assert.ok(sent)
    assert.equal(headerOf(sent, 'range'), 'bytes=0-9')
    assert.equal(headerOf(sent, 'accept-encoding'), 'br')
  })

  test('[SC-22] a batch is judged all the same', async () => {
    const { refusal } = await rig.call('', {
      method: 'POST',
      headers: { 'content-type': 'application/fhir+json' },
      body: '{"resourceType":"Bundle","entry":[{"request":{"url":"https://evil.example/"}}]}',
    })
    assert.equal(refusal, 'foreign_reference')
  })
})
