import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { buildJsonNeedle, createJsonRewriting, rewriteJson } from '../../src/proxy/rewrite-json.ts'

const base = 'https://ehr.example.org/fhir/r4'
const alias = 'http://internal.hospital:8080/fhir'
const ours = 'https://app.example.org/bff/sessions/AAAAAAAAAAAAAAAAAAAAAA/fhir'
const needle = buildJsonNeedle([base, `${base}/`, alias])

const rewrite = (text: string) => rewriteJson(text, needle, ours)

test('[R17] addresses of the EHR become ours where clients follow them', () => {
  const rows: [string, string][] = [
    [`{"fullUrl":"${base}/Patient/1"}`, `{"fullUrl":"${ours}/Patient/1"}`],
    [`{"reference" : \n\t"${base}/Patient/1"}`, `{"reference" : \n\t"${ours}/Patient/1"}`],
    [`{"location":"${base}/Patient/1/_history/2"}`, `{"location":"${ours}/Patient/1/_history/2"}`],
    [`{"url":"${base}?_getpages=x"}`, `{"url":"${ours}?_getpages=x"}`],
    [`{"url":"${base}"}`, `{"url":"${ours}"}`],
    [`{"url":"HTTPS://EHR.example.org:443/fhir/r4/Binary/1"}`, `{"url":"${ours}/Binary/1"}`],
    [`{"url":"${base.replaceAll('/', '\\/')}\\/Binary\\/1"}`, `{"url":"${ours}\\/Binary\\/1"}`],
    [`{"reference":"${alias}/Patient/1"}`, `{"reference":"${ours}/Patient/1"}`],
  ]
  for (const [text, expected] of rows) assert.equal(rewrite(text), expected)
})

test('look-alikes, names and other values stay as they are', () => {
  const rows = [
    `{"reference":"${base}x/Patient/1"}`,
    `{"reference":"${base}.evil.example/Patient/1"}`,
    `{"reference":"https://ehr.example.org.evil.example/fhir/r4/Patient/1"}`,
    `{"reference":"https://ehr.example.org:8443/fhir/r4/Patient/1"}`,
    `{"reference":"https://ehr.example.org/fhir/R4/Patient/1"}`,
    `{"reference":"http://ehr.example.org/fhir/r4/Patient/1"}`,
    `{"reference":"x${base}/Patient/1"}`,
    `{"reference":" ${base}/Patient/1"}`,
    `{"system":"${base}/Patient/1"}`,
    `{"profile":["${base}/StructureDefinition/x"]}`,
    `{"url":"${base}/StructureDefinition/x","valueString":"a"}`,
    `{"url":"${base.replaceAll('/', '\\/')}\\/ValueSet\\/x"}`,
    `{"myurl":"${base}/Patient/1"}`,
    `{"url ":"${base}/Patient/1"}`,
    `{"x\\"url":"${base}/Patient/1"}`,
    `{"div":"<a href=\\"${base}/Patient/1\\">x</a>"}`,
    `{"text":"\\"reference\\": \\"${base}/Patient/1\\""}`,
    `{"data":"${Buffer.from(`{"url":"${base}/x"}`).toString('base64')}"}`,
  ]
  for (const text of rows) assert.equal(rewrite(text), text)
  const search = `{"url":"${base}/ValueSet?name=x"}`
  assert.equal(rewrite(search), `{"url":"${ours}/ValueSet?name=x"}`)
})

test('a base that begins with another is the longer one', () => {
  const nested = buildJsonNeedle(['https://ehr.example.org/fhir', base])
  const text = `{"reference":"${base}/Patient/1"}`
  assert.equal(rewriteJson(text, nested, ours), `{"reference":"${ours}/Patient/1"}`)
})

test('our address is taken literally, whatever characters it has', () => {
  const odd = 'https://app.example.org/$&/$1'
  assert.equal(rewriteJson(`{"url":"${base}/x"}`, needle, odd), `{"url":"${odd}/x"}`)
})

test('bytes above ASCII come through', () => {
  const text = Buffer.from(`{"a":"Grüße 日本","url":"${base}/x"}`).toString('latin1')
  const out = Buffer.from(rewrite(text), 'latin1').toString()
  assert.equal(out, `{"a":"Grüße 日本","url":"${ours}/x"}`)
})

test('[DS3] time grows no faster than the text', () => {
  const hostile = [
    `{"url"${' '.repeat(1 << 20)}`,
    `{"url":${' '.repeat(1 << 20)}"${base}/x"}`,
    `"url":"`.repeat(1 << 17),
    `"${base}`.repeat(1 << 15),
    '\\"'.repeat(1 << 19),
  ]
  for (const text of hostile) {
    const rewriting = createJsonRewriting(needle, ours)
    let length = 0
    for (let i = 0; i < text.length; i += 4096)
      length += rewriting.push(text.slice(i, i + 4096)).length
    assert.ok(length + rewriting.end().length >= text.length)
    rewrite(text)
  }
})

// The slow reference: parses the document, and changes it where design and specification say so.
const NAMES = /^\/(StructureDefinition|ValueSet|CodeSystem|Questionnaire|TerminologyCapabilities)\//
const spellings = [base, 'https://ehr.example.org:443/fhir/r4', alias]

function expectValue(key: string, value: string): string {
  if (!['fullUrl', 'reference', 'location', 'url'].includes(key)) return value
  for (const spelling of spellings) {
    const start = value.slice(0, spelling.length)
    const isBase =
      start.replace(/^https?:\/\/[^/]*/i, host => host.toLowerCase()) === spelling &&
      /^(?:$|[/?])/.test(value.slice(spelling.length))
    if (!isBase) continue
    const rest = value.slice(spelling.length)
    return key === 'url' && NAMES.test(rest) ? value : ours + rest
  }
  return value
}

function expectDocument(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(expectDocument)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [
      key,
      typeof member === 'string' ? expectValue(key, member) : expectDocument(member),
    ]),
  )
}

const address = fc
  .tuple(
    fc.constantFrom(
      ...spellings,
      'HTTPS://ehr.EXAMPLE.org/fhir/r4',
      'https://evil.example/fhir/r4',
    ),
    fc.constantFrom(
      '',
      '/',
      '?',
      'x',
      '/Patient/1',
      '?a=b',
      '.evil',
      ':443',
      '/StructureDefinition/x',
    ),
    fc.constantFrom('', '/ValueSet/1', '/ValueSet?x', '/TerminologyCapabilities/1', '"', '\\', 'é'),
  )
  .map(parts => parts.join(''))
const text = fc.oneof(
  address,
  fc.string(),
  address.map(value => `"reference": "${value}"`),
)
const key = fc.oneof(
  fc.constantFrom('fullUrl', 'reference', 'location', 'url', 'system', 'profile', 'div'),
  fc.constantFrom(
    'url ',
    'x"url',
    'x"reference',
    'x"fullUrl',
    'url":"',
    'reference :',
    ' url',
    '\\url',
    'URL',
  ),
  fc.string({ maxLength: 5 }),
)
const { document } = fc.letrec(tie => ({
  document: fc.oneof(
    { maxDepth: 4 },
    text,
    fc.integer(),
    fc.array(tie('document'), { maxLength: 4 }),
    fc.dictionary(key, tie('document'), { maxKeys: 5 }),
  ),
}))

/** Serializes with any spaces and escaped slashes, which change nothing of the meaning. */
function print(value: unknown, style: () => number): string {
  const space = () => ['', '', ' ', '\n  ', '\t \r\n'][style() % 5] ?? ''
  const string = (text: string) => {
    const plain = JSON.stringify(text)
    return style() % 3 === 0 ? plain.replaceAll('/', () => (style() % 2 ? '/' : '\\/')) : plain
  }
  if (typeof value === 'string') return string(value)
  if (Array.isArray(value)) {
    return `[${value.map(item => space() + print(item, style) + space()).join(',')}]`
  }
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const members = Object.entries(value).map(
    ([name, member]) =>
      `${space()}${JSON.stringify(name)}${space()}:${space()}${print(member, style)}`,
  )
  return `{${members.join(',')}${space()}}`
}

function cut(text: string, sizes: readonly number[]): string[] {
  const pieces: string[] = []
  for (let at = 0, i = 0; at < text.length; i++) {
    const size = sizes[i % sizes.length] ?? 1
    pieces.push(text.slice(at, at + size))
    at += size
  }
  return pieces
}

test('in pieces of any size it does what a parser would', () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 20 })
  const styles = fc.array(fc.nat(), { minLength: 1, maxLength: 30 })
  fc.assert(
    fc.property(document, styles, sizes, (value, style, pieceSizes) => {
      let i = 0
      const printed = print(value, () => style[i++ % style.length] ?? 0)
      const source = Buffer.from(printed).toString('latin1')
      const whole = rewrite(source)
      const rewriting = createJsonRewriting(needle, ours)
      const pieces = cut(source, pieceSizes).map(piece => rewriting.push(piece))
      assert.equal(pieces.join('') + rewriting.end(), whole)
      const read = (latin1: string) => JSON.parse(Buffer.from(latin1, 'latin1').toString())
      assert.deepEqual(read(whole), expectDocument(read(source)))
    }),
    { numRuns: 20_000 },
  )
})

test('nothing is kept back but what may still become the base', () => {
  const rewriting = createJsonRewriting(needle, ours)
  const line = `{"resourceType":"Patient","id":"1"}\n`
  assert.equal(rewriting.push(line), line)
  assert.equal(rewriting.push('{"url":"https://ehr'), '{"url":')
  assert.equal(rewriting.push('.example.org/other'), '"https://ehr.example.org/other')
  assert.equal(rewriting.end(), '')
})
