import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  type AnsweredHeaders,
  type AnsweredRequest,
  type AnswerPolicy,
  createAnswerJudge,
} from '../../src/proxy/answer.ts'
import { securityHeaders } from '../../src/proxy/inert.ts'
import { buildTokenTraces, showsToken } from '../../src/proxy/token-traces.ts'
import { refusalOf } from './refusal.ts'

const base = 'https://ehr.example.org/fhir/r4'
const ours = 'https://app.example.org/sessions/AAAAAAAAAAAAAAAAAAAAAA/fhir'
const rules: AnswerPolicy = {
  bases: [base],
  rewrite: true,
  collectBytes: 1000,
}

const token = 'eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhbXkifQ.c2lnbmF0dXJl+/='
const traces = buildTokenTraces(token)

// Any code units, in pairs or not; fast-check's own unit takes seconds to begin.
const codeUnits = fc
  .array(fc.nat(0xffff), { maxLength: 30 })
  .map(codes => String.fromCharCode(...codes))

interface Case extends Partial<AnswerPolicy> {
  method?: string
  path?: string
  status?: number
  isSaved?: boolean
}

function judge(sent: AnsweredHeaders, how: Case = {}) {
  const { method = 'GET', path = '/Patient', status = 200, isSaved, ...overrides } = how
  const asked: AnsweredRequest = { method, target: { path, query: '' }, isSaved, ours, traces }
  const answer = createAnswerJudge({ ...rules, ...overrides }).judge(asked, status, sent)
  const names = answer.headers.filter((_, i) => i % 2 === 0)
  assert.equal(new Set(names).size, names.length, 'no header twice')
  const crossed: Record<string, string | undefined> = Object.fromEntries(
    names.map((name, i) => [name, answer.headers[2 * i + 1]]),
  )
  return { ...answer, crossed, note: asked.note }
}

const refusal = (sent: AnsweredHeaders, how?: Case) => refusalOf(() => judge(sent, how))
const fhir = { 'content-type': 'application/fhir+json; charset=utf-8' }
const fixed = securityHeaders.filter((_, i) => i % 2 === 0)

test('[R1, R5, R6] the headers of FHIR cross, all others stay behind', () => {
  const passed = {
    ...fhir,
    'last-modified': 'Sat, 12 Feb 2022 00:00:00 GMT',
    etag: 'W/"3"',
    'retry-after': '120',
    warning: '199 - "x"',
    'x-progress': '50%',
    expires: 'Sat, 12 Feb 2022 00:00:00 GMT',
    'x-request-id': 'abc',
    'content-language': 'de',
    allow: 'GET',
    'preference-applied': 'respond-async',
    'x-security-context': 'Patient/1',
  }
  const dropped = {
    'set-cookie': ['a=b', '__Host-fhirstorm-x=y'],
    'www-authenticate': 'Basic realm="x"',
    'access-control-allow-origin': '*',
    'access-control-allow-credentials': 'true',
    'strict-transport-security': 'max-age=0',
    'clear-site-data': '"*"',
    'content-security-policy': 'default-src *',
    'service-worker-allowed': '/',
    refresh: '0;url=https://evil.example',
    'alt-svc': 'h2=":443"',
    nel: '{}',
    'report-to': '{}',
    sourcemap: '/x',
    'server-timing': 'x',
    server: 'x',
    'x-powered-by': 'x',
    'cache-control': 'public, max-age=3600',
    'content-disposition': 'inline; filename="x.html"',
    'transfer-encoding': 'chunked',
    connection: 'keep-alive',
    'keep-alive': 'timeout=5',
    trailer: 'set-cookie',
    upgrade: 'h2c',
    'proxy-authenticate': 'Basic',
    'proxy-status': 'other; error=x',
    vary: '*',
    date: 'x',
    age: '1',
    digest: 'x',
    'content-digest': 'x',
    'content-md5': 'x',
    'x-frame-options': 'ALLOWALL',
    'content-security-policy-report-only': 'x',
  }
  const { crossed } = judge({ ...passed, ...dropped })
  assert.equal(crossed['cache-control'], 'no-store, private')
  assert.equal(crossed['x-frame-options'], 'DENY')
  for (const name of fixed) delete crossed[name]
  // Under X-Request-Id stands our own.
  const { 'x-request-id': theirs, ...others } = passed
  assert.deepEqual(crossed, { ...others, 'ehr-request-id': theirs })
})

test('[R18] a status outside HTTP is refused', () => {
  for (const status of [0, 99, 600, 999]) {
    assert.equal(refusal(fhir, { status }), 'upstream_broken')
  }
  for (const status of [200, 201, 202, 304, 400, 404, 410, 412, 422, 500, 599]) {
    assert.equal(judge(fhir, { status }).status, status)
  }
})

test('documents are rewritten, files and events are not', () => {
  assert.equal(judge(fhir).document, 'json')
  assert.equal(judge({ 'content-type': 'application/fhir+xml' }).document, 'xml')
  assert.equal(judge({ 'content-type': 'application/fhir+ndjson' }).document, 'json')
  assert.equal(judge({ 'content-type': 'application/pdf' }).document, undefined)
  const file = judge({ 'content-type': 'application/json' }, { path: '/Binary/1' })
  assert.equal(file.document, undefined)
  assert.equal(judge(fhir, { path: '/Binary/1' }).document, 'json')
  assert.equal(judge(fhir, { status: 206 }).document, undefined)
  assert.equal(judge(fhir, { rewrite: false }).document, undefined)
  const events = judge({ 'content-type': 'text/event-stream' })
  assert.ok(events.isLive && events.document === undefined)
})

test('the length is told when it holds, and small documents are held to know it', () => {
  const lengthOf = (sent: AnsweredHeaders, how?: Case) => judge(sent, how).crossed['content-length']
  const small = judge({ ...fhir, 'content-length': '1000' })
  assert.ok(small.collectedBytes === 1000 && small.crossed['content-length'] === undefined)
  const large = judge({ ...fhir, 'content-length': '1001' })
  assert.ok(large.collectedBytes === undefined && large.crossed['content-length'] === undefined)
  assert.equal(judge(fhir).collectedBytes, undefined)
  const head = judge({ ...fhir, 'content-length': '10' }, { method: 'HEAD' })
  assert.ok(head.collectedBytes === undefined && head.crossed['content-length'] === undefined)
  const file = { 'content-type': 'application/pdf', 'content-length': '10' }
  assert.equal(lengthOf(file), '10')
  assert.equal(lengthOf(file, { method: 'HEAD' }), '10')
  assert.equal(lengthOf({ ...fhir, 'content-length': '10' }, { rewrite: false }), '10')
  assert.equal(lengthOf({ 'content-length': '10' }, { status: 304 }), undefined)
  assert.equal(lengthOf({ ...file, 'content-length': ['1', '2'] }), undefined)
  for (const odd of ['', '-1', '1e3', '0x1', '1, 1', `1${'0'.repeat(15)}`])
    assert.equal(lengthOf({ ...file, 'content-length': odd }), undefined, odd)
  assert.equal(judge({ ...fhir, 'content-length': ' 1' }).collectedBytes, undefined)
})

test('tags and ranges say what is true of the bytes that are sent', () => {
  const sent = { etag: '"abc"', 'accept-ranges': 'bytes' }
  assert.equal(judge({ ...fhir, ...sent }).crossed.etag, 'W/"abc"')
  assert.equal(judge({ ...fhir, ...sent }).crossed['accept-ranges'], undefined)
  const file = judge({ 'content-type': 'image/png', ...sent })
  assert.equal(file.crossed.etag, '"abc"')
  assert.equal(file.crossed['accept-ranges'], 'bytes')
  const part = { 'content-type': 'image/png', 'content-range': 'bytes 0-9/100' }
  assert.equal(judge(part, { status: 206 }).crossed['content-range'], 'bytes 0-9/100')
})

test('[R15, Q48] a coding is undone where something is read, passed where nothing is, else refused', () => {
  const coded = (coding: string) => ({ ...fhir, 'content-encoding': coding })
  for (const [coding, expected] of [
    ['gzip', ['gzip']],
    ['x-gzip', ['gzip']],
    ['GZIP', ['gzip']],
    ['br', ['br']],
    ['deflate, gzip', ['deflate', 'gzip']],
    ['identity', []],
    ['utf-8', []],
    ['', []],
    ['utf-8, gzip', ['gzip']],
  ] as const) {
    assert.deepEqual(judge(coded(coding)).codings, expected, coding)
    const passed = judge(coded(coding), { rewrite: false })
    assert.equal(passed.crossed['content-encoding'], expected.join(', ') || undefined)
    assert.deepEqual(passed.codings, [])
    const sized = { ...coded(coding), 'content-length': '10' }
    assert.equal(judge(sized).collectedBytes, expected.length > 0 ? undefined : 10)
  }
  for (const coding of ['compress', 'gzip, exi', 'gzip, gzip, gzip, gzip', 'gzip,'.repeat(1000)]) {
    assert.equal(refusal(coded(coding)), 'upstream_encoding', coding)
  }
  assert.deepEqual(judge(coded('gzip'), { method: 'HEAD' }).codings, [])
  assert.deepEqual(judge(coded('gzip'), { status: 304 }).codings, [])
  const head = judge({ ...coded('gzip'), 'content-length': '10' }, { method: 'HEAD' })
  assert.equal(head.crossed['content-length'], undefined)
})

test('[R2, Q52] an address elsewhere is dropped, and a redirect there refused', () => {
  const here = { location: `${base}/Patient/1`, 'content-location': '/fhir/r4/$status/1' }
  const { crossed } = judge({ ...fhir, ...here }, { status: 201 })
  assert.equal(crossed.location, `${ours}/Patient/1`)
  assert.equal(crossed['content-location'], `${ours}/$status/1`)
  const there = { location: 'https://evil.example/', 'content-location': 'https://evil.example/' }
  const dropped = judge({ ...fhir, ...there }, { status: 201 }).crossed
  assert.ok(!('location' in dropped) && !('content-location' in dropped))
  assert.match(judge({ ...fhir, ...there }, { status: 201 }).note ?? '', /baseAliases/)
  assert.equal(judge({ ...fhir, ...here }, { status: 201 }).note, undefined)
  const begun = judge({ 'content-location': `${base}/$status/1` }, { status: 202 })
  assert.equal(begun.crossed['content-location'], `${ours}/$status/1`)
  const unreachable = { 'content-location': 'https://evil.example/$status/1' }
  assert.equal(refusal(unreachable, { status: 202 }), 'upstream_elsewhere')
  for (const status of [301, 302, 303, 307, 308]) {
    assert.equal(refusal(there, { status }), 'upstream_elsewhere')
    assert.equal(judge(here, { status }).crossed.location, `${ours}/Patient/1`)
  }
})

test('[X3, R4] what a page has saved is an attachment, whatever it is, and a refusal is told', () => {
  const dispositionOf = (type: string | undefined, how: Case) =>
    judge({ 'content-type': type }, { path: '/Binary/1', ...how }).crossed['content-disposition']
  for (const type of ['application/json', 'application/fhir+xml', 'application/pdf', undefined]) {
    for (const status of [200, 206]) {
      assert.equal(dispositionOf(type, { isSaved: true, status }), 'attachment', type)
    }
  }
  assert.equal(dispositionOf('application/json', { isSaved: false }), undefined)
  assert.equal(dispositionOf('application/fhir+json', { isSaved: true, status: 404 }), undefined)
})

test('an answer without content has no type of its own', () => {
  const { crossed } = judge({}, { status: 204 })
  assert.deepEqual(Object.keys(crossed).sort(), [...fixed].sort())
  assert.equal(judge({}).crossed['content-type'], 'application/octet-stream')
  const twice = judge({ 'content-type': ['application/fhir+json', 'text/html'] })
  assert.equal(twice.crossed['content-disposition'], 'attachment')
})

test('[Q53] a document in another charset is told in UTF-8, or refused', () => {
  const inCharset = (charset: string) => ({
    'content-type': `application/fhir+json; charset=${charset}`,
  })
  const latin1 = judge({ ...inCharset('ISO-8859-1'), 'content-length': '10' })
  assert.equal(latin1.encoding, 'windows-1252')
  assert.equal(latin1.collectedBytes, undefined)
  assert.equal(latin1.crossed['content-type'], 'application/fhir+json;charset=utf-8')
  assert.equal(latin1.crossed['content-disposition'], undefined)
  assert.equal(refusal(inCharset('x-ours')), 'upstream_charset')
  assert.equal(refusal(inCharset('x-ours'), { method: 'HEAD' }), undefined)
  for (const how of [{ rewrite: false }, { status: 206 }]) {
    const passed = judge(inCharset('ISO-8859-1'), how)
    assert.equal(passed.encoding, undefined)
    assert.equal(passed.crossed['content-type'], 'application/fhir+json; charset=ISO-8859-1')
  }
})

test('[Q53] an answer that does not say what it is may be told by its bytes, but files never', () => {
  for (const sent of [{}, { 'content-type': 'json' }, { 'content-type': ['', 'utf-8'] }]) {
    const untold = judge({ ...sent, etag: '"1"', 'content-length': '10' })
    assert.equal(untold.crossed['content-type'], 'application/octet-stream')
    const told = untold.told?.('json')
    assert.equal(told?.document, 'json')
    assert.ok(
      told.headers.includes('application/fhir+json') && !told.headers.includes('attachment'),
    )
    assert.equal(told.collectedBytes, undefined)
    assert.ok(!told.headers.includes('content-length'))
    for (const how of [
      { method: 'HEAD' },
      { status: 206 },
      { status: 304 },
      { path: '/Binary/1' },
    ]) {
      assert.equal(judge(sent, how).told, undefined)
    }
  }
  assert.equal(judge(fhir).told, undefined)
  assert.equal(judge({ 'content-type': 'text/plain' }).told, undefined)
})

const list = ['content-language', 'allow', 'preference-applied', 'accept-patch', 'warning']
const single = ['last-modified', 'expires', 'retry-after', 'content-range', 'x-request-id']
const further = ['x-correlation-id', 'x-progress', 'x-security-context', 'etag', 'accept-ranges']
const addresses = ['location', 'content-location', 'link', 'content-type', 'content-encoding']
const forms = [
  token,
  `Bearer ${token}`,
  encodeURIComponent(token),
  Buffer.from(`Authorization: Bearer ${token}`).toString('base64'),
  Buffer.from(token).toString('base64url'),
  Buffer.from(token).toString('hex'),
]

test('[R16] no header shows the token that the EHR was asked with', () => {
  const shapes: ((form: string) => string)[] = [
    form => form,
    form => `"${form}"`,
    form => `W/"${form}"`,
    form => `199 - "${form}"`,
    form => `${base}/Patient/1?token=${form}`,
    form => `${base}/${form}`,
    form => `<${base}/x?token=${encodeURIComponent(form)}>; rel="next"`,
    form => `application/fhir+json; token="${form}"`,
  ]
  for (const name of [...list, ...single, ...further, ...addresses]) {
    for (const value of forms.flatMap(form => shapes.map(shape => shape(form)))) {
      for (const rewrite of [true, false]) {
        const outcome = refusalOf(() => {
          const { crossed } = judge({ [name]: value }, { rewrite, status: 201 })
          for (const [other, text = ''] of Object.entries(crossed)) {
            assert.ok(!showsToken(text, traces), `${other}: ${text}`)
          }
        })
        assert.ok(outcome === undefined || outcome === 'upstream_encoding', `${name}: ${outcome}`)
      }
    }
  }
  assert.equal(refusal({ location: `${base}/x?t=${token}` }, { status: 302 }), 'upstream_elsewhere')
})

test('[R23] a header that breaks its grammar is left out, whatever the EHR meant by it', () => {
  const text = fc.oneof(
    codeUnits,
    fc.constantFrom('x\r\nset-cookie: a=b', '"', 'W/"', 'é', '\x00', 'a, b', '1', 'x'.repeat(3000)),
    fc.constantFrom('br', 'gzip, br', 'gzip;x', 'br\u0101', 'text/plain; a="\u0101"'),
  )
  const name = fc.constantFrom(...list, ...single, ...further, ...addresses)
  const value = fc.oneof(text, fc.array(text, { maxLength: 3 }))
  fc.assert(
    fc.property(fc.dictionary(name, value), fc.boolean(), (sent, rewrite) => {
      const outcome = refusalOf(() => {
        const { crossed } = judge(sent, { rewrite })
        for (const [other, crossing = ''] of Object.entries(crossed)) {
          assert.match(crossing, /^[\t\x20-\x7e]{0,4096}$/, other)
        }
      })
      assert.ok(outcome === undefined || outcome === 'upstream_encoding', outcome)
    }),
    { numRuns: 500 },
  )
})

test('a list that comes in parts is one list, and of anything else two make none', () => {
  const { crossed } = judge({
    ...{ warning: ['199 - "a"', '199 - "b"'], allow: ['GET', 'HEAD'] },
    ...{ etag: ['"a"', '"b"'], 'retry-after': ['1', '2'], location: ['/a', '/b'] },
  })
  assert.equal(crossed.warning, '199 - "a", 199 - "b"')
  assert.equal(crossed.allow, 'GET, HEAD')
  for (const name of ['etag', 'retry-after', 'location']) assert.ok(!(name in crossed), name)
})
