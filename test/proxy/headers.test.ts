import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  buildAuthorization,
  buildRequestHeaders,
  parseBodyType,
  type ReceivedHeaders,
  type RequestPlan,
} from '../../src/proxy/headers.ts'
import { base, ours, theirs, whose } from './judging.ts'
import { refusalOf } from './refusal.ts'

const plan: RequestPlan = {
  authorization: 'Bearer the.access-token',
  target: { path: '/Patient/1', query: '' },
  acceptEncoding: 'identity',
  whose,
}
const always = ['authorization', 'user-agent', 'accept', 'accept-encoding']

function build(received: ReceivedHeaders, overrides: Partial<RequestPlan> = {}) {
  const flat = buildRequestHeaders(received, { ...plan, ...overrides })
  const names = flat.filter((_, i) => i % 2 === 0)
  assert.equal(new Set(names).size, names.length, 'no header twice')
  return Object.fromEntries(names.map((name, i) => [name, flat[2 * i + 1]]))
}

test("[P27] the headers of FHIR's REST interface cross as they are", () => {
  const received = {
    'if-match': 'W/"3"',
    'if-none-match': 'W/"3", "x"',
    'if-none-exist': 'identifier=http://x|1&active=true',
    'if-modified-since': 'Sat, 12 Feb 2022 00:00:00 GMT',
    'if-unmodified-since': 'Sat, 12 Feb 2022 00:00:00 GMT',
    prefer: 'return=representation, respond-async; handling=strict',
    'accept-language': 'de-CH, en;q=0.5',
    'cache-control': 'no-cache',
    'x-provenance': '{"resourceType":"Provenance"}',
    'x-security-context': 'Patient/1',
    'x-request-id': '7d4f3c1e-0000-4000-8000-000000000000',
    'x-correlation-id': 'abc.123',
    traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`,
    tracestate: 'vendor=1',
    'last-event-id': '42',
  }
  const sent = build(received)
  for (const name of always) delete sent[name]
  assert.deepEqual(sent, received)
})

test('[P7, P8, P9] nothing else crosses, and the only authority is ours', () => {
  const received = {
    authorization: 'Bearer stolen',
    cookie: 'a=b',
    'proxy-authorization': 'Basic x',
    'x-authorization': 'Bearer x',
    connection: 'authorization, x-request-id',
    'keep-alive': 'timeout=5',
    te: 'trailers',
    trailer: 'authorization',
    upgrade: 'h2c',
    'http2-settings': 'x',
    expect: '100-continue',
    'transfer-encoding': 'chunked',
    'content-length': '3',
    host: 'evil.example',
    forwarded: 'for=1',
    'x-forwarded-for': '1.2.3.4',
    'x-forwarded-host': 'evil.example',
    'x-real-ip': '1.2.3.4',
    'x-original-url': '/x',
    'x-rewrite-url': '/x',
    x_forwarded_for: '1.2.3.4',
    if_match: 'x',
    origin: 'https://app.example.org',
    referer: 'https://app.example.org/patient/1',
    'sec-fetch-site': 'same-origin',
    'x-csrf': '1',
    'x-http-method-override': 'DELETE',
    'x-method': 'DELETE',
    __proto__: null,
    constructor: 'x',
  } as unknown as ReceivedHeaders
  const sent = build(received)
  assert.deepEqual(Object.keys(sent).sort(), [...always].sort())
  assert.equal(sent.authorization, 'Bearer the.access-token')
  assert.equal(sent['user-agent'], 'fhirstorm')
})

test('[P7, P8] whatever is received, ours is the only Authorization and no name is unknown', () => {
  const known = new Set([
    ...always,
    ...['if-match', 'if-none-match', 'if-none-exist', 'if-modified-since', 'if-unmodified-since'],
    ...['prefer', 'accept-language', 'content-language', 'cache-control', 'x-provenance'],
    ...['x-security-context', 'last-event-id', 'x-request-id', 'x-correlation-id', 'traceparent'],
    ...['tracestate', 'range', 'if-range'],
  ])
  const name = fc.oneof(fc.constantFrom(...known, 'cookie', 'authorization', 'host'), fc.string())
  fc.assert(
    fc.property(fc.dictionary(name, fc.string()), received => {
      if (refusalOf(() => build(received)) !== undefined) return
      const sent = build(received)
      assert.equal(sent.authorization, 'Bearer the.access-token')
      for (const [key, value] of Object.entries(sent)) {
        assert.ok(known.has(key), key)
        assert.ok(/^[\t\x20-\x7e]*$/.test(value ?? ''), 'undici accepts it')
      }
    }),
    { numRuns: 3000 },
  )
})

test('[P27, P29] a header that breaks its grammar is refused, a tracing one left out', () => {
  const refused: ReceivedHeaders[] = [
    { 'if-match': 'W/"3"\u0000' },
    { 'if-match': '' },
    { 'if-none-exist': 'a=\u00e9' },
    { prefer: 'x'.repeat(2000) },
    { accept: 'application/json\u0001' },
    { accept: 'x'.repeat(2000) },
    { 'x-provenance': 'x'.repeat(9000) },
  ]
  for (const received of refused) {
    assert.equal(
      refusalOf(() => build(received)),
      'header_invalid',
      JSON.stringify(received),
    )
  }
  const sent = build({
    'x-request-id': 'a b\u0007',
    traceparent: '00-xyz',
    'x-correlation-id': '<script>',
    tracestate: '\u00e9',
  })
  assert.deepEqual(Object.keys(sent).sort(), [...always].sort())
})

test('[P24] Accept keeps what cannot run in a browser', () => {
  const rows: [string | undefined, string][] = [
    ['application/fhir+xml', 'application/fhir+xml'],
    ['application/json+fhir;q=0.9, */*;q=0.1', 'application/json+fhir;q=0.9, */*;q=0.1'],
    ['image/avif,image/webp,*/*;q=0.8', 'image/avif,image/webp,*/*;q=0.8'],
    ['application/pdf', 'application/pdf'],
    ['text/html', 'application/fhir+json'],
    ['text/html,application/xhtml+xml,application/json;q=0.9', 'application/json;q=0.9'],
    ['image/svg+xml, text/javascript, application/fhir+json', 'application/fhir+json'],
    ['TEXT/HTML;q=1, application/ecmascript, application/xslt+xml', 'application/fhir+json'],
    [undefined, 'application/fhir+json, application/json;q=0.9, */*;q=0.1'],
  ]
  for (const [accept, expected] of rows) assert.equal(build({ accept }).accept, expected)
})

test('[Q51] who takes anything is given JSON first, but of files, and where the query names a format', () => {
  const accept = '*/*'
  const acceptAt = (path: string, query = '') =>
    build({ accept }, { target: { path, query } }).accept
  for (const path of ['/Patient/1', '/Patient', '', '/$graphql']) {
    assert.equal(acceptAt(path), 'application/fhir+json, application/json;q=0.9, */*;q=0.1', path)
  }
  assert.equal(acceptAt('/Binary/1'), accept)
  assert.equal(acceptAt('/Patient', '_format=xml'), accept)
})

test('[X3] a file that is saved is its own bytes, whatever a browser would rather have', () => {
  const browsers = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8'
  const acceptAt = (path: string, accept: string | undefined, isSaved: boolean) =>
    build({ accept }, { target: { path, query: '' }, isSaved }).accept
  for (const accept of [undefined, browsers, 'application/fhir+json']) {
    assert.equal(acceptAt('/Binary/1', accept, true), '*/*')
  }
  // Safari says no more of a download than this.
  assert.equal(acceptAt('/Binary/1', browsers, false), '*/*')
  assert.equal(acceptAt('/Patient/1', browsers, false), 'application/xml;q=0.9, */*;q=0.8')
})

test('codings are ours to choose where answers are rewritten', () => {
  const received = { 'accept-encoding': 'gzip, br' }
  assert.equal(build(received)['accept-encoding'], 'identity')
  assert.equal(build(received, { acceptEncoding: 'gzip' })['accept-encoding'], 'gzip')
  assert.equal(build(received, { acceptEncoding: 'any' })['accept-encoding'], 'gzip, br')
  assert.equal(build({}, { acceptEncoding: 'any' })['accept-encoding'], 'identity')
  const odd = { 'accept-encoding': 'gzip\u0000' }
  assert.equal(build(odd, { acceptEncoding: 'any' })['accept-encoding'], 'identity')
})

test('[P28] a range is asked of files, and of everything where nothing is rewritten', () => {
  const received = { range: 'bytes=0-99', 'if-range': '"x"' }
  const file = { target: { path: '/Binary/1', query: '' } }
  assert.equal(build(received).range, undefined)
  assert.equal(build(received, file).range, 'bytes=0-99')
  assert.equal(build(received, file)['if-range'], '"x"')
  assert.equal(build(received, { whose: undefined }).range, 'bytes=0-99')
  assert.equal(build({ 'if-range': '"x"' }, file)['if-range'], undefined)
  assert.ok(!('if-range' in build({ range: 'bytes=0-99' }, file)))
  assert.equal(
    refusalOf(() => build({ ...received, 'if-range': '"x"\u0000' }, file)),
    'header_invalid',
  )
  assert.equal(
    refusalOf(() => build({ range: 'lines=1' }, file)),
    'header_invalid',
  )
})

test('[P31] addresses of ours in headers become those of the EHR', () => {
  const headersOf = (address: string) => ({
    'if-none-exist': `subject=${encodeURIComponent(`${address}/Patient/1`)}`,
    'x-provenance': `{"target":[{"reference":"${address.replaceAll('/', '\\u002f')}/x"}]}`,
  })
  const sent = build({ ...headersOf(ours), 'if-match': 'W/"1"' })
  assert.equal(sent['if-none-exist'], `subject=${encodeURIComponent(`${base}/Patient/1`)}`)
  assert.equal(sent['x-provenance'], `{"target":[{"reference":"${base}/x"}]}`)
  assert.equal(sent['if-match'], 'W/"1"')
  const refused = (received: ReceivedHeaders) => refusalOf(() => build(received))
  for (const [name, value] of Object.entries(headersOf(theirs))) {
    assert.equal(refused({ [name]: value }), 'foreign_reference', name)
  }
  for (const value of ['{"a":1,"a":1}', '{}x', '', '{']) {
    assert.equal(refused({ 'x-provenance': value }), 'header_invalid', value)
  }
})

test('[P29] only a token that any HTTP client would send is a token', () => {
  assert.equal(buildAuthorization('abc.DEF-123_~+/='), 'Bearer abc.DEF-123_~+/=')
  for (const token of ['', 'a b', 'a\n', 'a\u0000', 'é', 'a\u007f', 'x'.repeat(16_385)]) {
    assert.equal(
      refusalOf(() => buildAuthorization(token)),
      'bad_token_response',
    )
  }
})

test('[Q53] a media type that is badly written is read like a browser would, and sent well written', () => {
  const sent = (type: string) =>
    parseBodyType({ 'content-type': type }, { path: '/Patient', query: '' }).written
  for (const type of ['application/json;', 'application/json\t', ' application/json;;']) {
    assert.equal(sent(type), 'application/json', type)
  }
  assert.equal(sent('application/json; charset=utf-8;'), 'application/json;charset=utf-8')
  assert.equal(sent('application/fhir+json; v=1'), 'application/fhir+json; v=1')
})

test('[X8] a body is FHIR, a patch, a search form or GraphQL; only files are of any type', () => {
  const judge = (type: string | undefined, path = '/Patient', coding?: string) =>
    refusalOf(() =>
      parseBodyType({ 'content-type': type, 'content-encoding': coding }, { path, query: '' }),
    )
  const accepted = [
    ...[
      'application/fhir+json',
      'application/fhir+xml; charset=utf-8',
      'application/json',
      'application/json+fhir',
    ],
    ...[
      'application/xml+fhir',
      'text/xml',
      'application/json-patch+json',
      'application/xml-patch+xml',
    ],
    ...['application/x-www-form-urlencoded', 'application/graphql', 'application/fhir+ndjson'],
    ...['Application/FHIR+JSON;charset="UTF-8"', 'application/fhir+json; fhirVersion=4.0'],
  ]
  for (const type of accepted) assert.equal(judge(type), undefined, type)
  const refused = [
    ...['text/plain', 'text/turtle', 'application/fhir+turtle', 'text/html', 'image/png'],
    ...['multipart/form-data; boundary=x', 'application/octet-stream', 'json', '', undefined],
    ...['application/fhir+json, text/plain', 'application/json text/plain', 'a/b;;'],
    ...['application/json;charset=utf-16', 'application/fhir+xml; charset=iso-8859-1'],
    ...['application/fhir+json; charset=x-ours', `a/${'b'.repeat(300)}`],
    ...['application/x-www-form-urlencoded; charset=utf-16'],
  ]
  for (const type of refused) assert.equal(judge(type), 'media_type_refused', type)
  assert.equal(judge('application/x-www-form-urlencoded; charset=ISO-8859-1'), undefined)
  assert.equal(judge('application/fhir+json; charset=utf-16', '/Binary'), 'media_type_refused')
  assert.equal(judge('text/plain; charset=utf-16', '/Binary'), undefined)
  assert.equal(judge('application/pdf', '/Binary'), undefined)
  assert.equal(judge('image/png', '/Binary/1'), undefined)
  assert.equal(judge('multipart/form-data; boundary=x', '/Binary'), 'media_type_refused')
  assert.equal(judge('application/fhir+json', '/Patient', 'gzip'), 'media_type_refused')
  assert.equal(judge('application/fhir+json', '/Patient', 'identity'), undefined)
})
