import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { buildEhrAddress } from '../../src/proxy/ehr-address.ts'
import { createJsonRewriting, rewriteJson } from '../../src/proxy/rewrite-json.ts'
import { parseTarget } from '../../src/proxy/target.ts'

const base = 'https://ehr.example.org/fhir/r4'
const alias = 'http://internal.hospital:8080/fhir'
const ours = 'https://app.example.org/bff/sessions/AAAAAAAAAAAAAAAAAAAAAA/fhir'
const needle = buildEhrAddress([base, `${base}/`, alias])

const asked = `${base}/Patient`
const rewritten = { ours, asked }

const rewrite = (text: string) => rewriteJson(text, needle, rewritten)

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
  const nested = buildEhrAddress(['https://ehr.example.org/fhir', base])
  const text = `{"reference":"${base}/Patient/1"}`
  assert.equal(rewriteJson(text, nested, rewritten), `{"reference":"${ours}/Patient/1"}`)
})

test('our address is taken literally, whatever characters it has', () => {
  const odd = 'https://app.example.org/$&/$1'
  assert.equal(
    rewriteJson(`{"url":"${base}/x"}`, needle, { ours: odd, asked }),
    `{"url":"${odd}/x"}`,
  )
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
    const rewriting = createJsonRewriting(needle, rewritten)
    let length = 0
    for (let i = 0; i < text.length; i += 4096)
      length += rewriting.push(text.slice(i, i + 4096)).length
    assert.ok(length + rewriting.end().length >= text.length)
    rewrite(text)
  }
})

test('[Q54] where a url stands decides whether it is a link or a name', () => {
  const canonical = `${base}/Questionnaire/_history?page=2`
  const rows: [text: string, isLink: boolean][] = [
    ['{"resourceType":"Bundle","link":[{"relation":"next","url":"@"}]}', true],
    ['{"link":[{"extension":[{"url":"x"}],"url":"@"}],"resourceType":"Bundle"}', true],
    ['{"entry":[{"request":{"method":"GET","url":"@"}}]}', true],
    ['{"resourceType":"Library","content":[{"url":"@"}],"relatedArtifact":[{"url":"@"}]}', true],
    ['{"resourceType":"Media","content":{"url":"@"}}', true],
    ['{"extension":[{"url":"x","valueAttachment":{"url":"@"}}]}', true],
    ['{"resourceType":"Questionnaire","url":"@"}', false],
    ['{"url":"@","resourceType":"Questionnaire"}', false],
    ['{"entry":[{"resource":{"resourceType":"ValueSet","meta":{"a":[{}]},"url":"@"}}]}', false],
    ['{"contained":[{"resourceType":"ValueSet","url":"@"}],"link":[]}', false],
    ['{"parameter":[{"resource":{"resourceType":"Measure","url":"@"}}]}', false],
    ['{"extension":[{"url":"@"}],"modifierExtension":[{"url":"@"}]}', false],
    ['{"resourceType":"StructureMap","structure":[{"url":"@","mode":"source"}]}', false],
    ['{"resourceType":"ConceptMap","group":[{"unmapped":{"url":"@"}}]}', false],
    ['{"data":{"Questionnaire":{"url":"@"}}}', false],
    ['{"resourceType":"OperationOutcome","issue":[{"url":"@"}]}', false],
    ['{"resourceType":"Bundle"}\n{"resourceType":"Questionnaire","url":"@"}', false],
  ]
  for (const [text, isLink] of rows) {
    const source = text.replaceAll('@', canonical)
    assert.equal(rewrite(source), isLink ? source.replaceAll(base, ours) : source, text)
  }
  const own = (type: string) => `{"resourceType":"${type}","url":"${base}/x"}`
  assert.equal(rewrite(own('Device')), own('Device').replace(base, ours))
  assert.equal(rewrite(own('Contract')), own('Contract'))
})

test('[Q55] every spelling that a browser would follow elsewhere from our origin', () => {
  const rows: [value: string, rest: string][] = [
    ['/fhir/r4?_getpages=a/b?c|d', '?_getpages=a/b?c|d'],
    ['//ehr.example.org/fhir/r4/Patient?x=1', '/Patient?x=1'],
    ['//EHR.example.org:443/fhir/r4', ''],
    ['https://ehr.example.org/fhir/r4/../r4/Patient', '/Patient'],
    ['https://ehr.example.org/fhir/%724/Patient?a=%41', '/Patient?a=%41'],
    ['https://ehr.example.org./fhir/r4/Patient', '/Patient'],
    ['https:\\\\ehr.example.org\\fhir\\r4\\Patient', '/Patient'],
    ['https:/ehr.example.org/fhir/r4/Patient', undefined as never],
    [' https://ehr.example.org/fhir/r4/Patient', '/Patient'],
    ['https://ehr.exam\tple.org/fhir/r4/Patient', '/Patient'],
    ['../r4/Patient?page=2', '/Patient?page=2'],
    ['/fhir/r4/Patient#a', '/Patient#a'],
    ['\u002ffhir/r4/Patient', '/Patient'],
    ['https:\u002f\u002fehr.example.org/fhir/r4/Patient', '/Patient'],
  ]
  for (const [value, rest] of rows) {
    if (rest === undefined) continue
    const text = value.includes('\\u') ? value : JSON.stringify(value).slice(1, -1)
    const source = `{"link":[{"url":"${text}"}]}`
    assert.equal(rewrite(source), `{"link":[{"url":"${ours}${rest}"}]}`, value)
  }
  const stay = [
    ...['/fhir/r4x/Patient', '/other', '//evil.example/fhir/r4', 'Patient?page=2', '?page=2'],
    ...['https://user@ehr.example.org/fhir/r4/Patient', '/fhir/r4/../../x', '../../x', 'h', '/'],
    ...[`${base}/Patient//1`, `${base}/a%2fb`, `${base}?_format=html`, `${base}/../..`, ''],
    ...['household/1', 'https', './Patient', `${base}/Patient?${'a'.repeat(9000)}`],
  ]
  for (const value of stay) {
    const source = `{"link":[{"url":${JSON.stringify(value)}}]}`
    assert.equal(rewrite(source), source)
  }
})

test('[Q55] a server at the root of its host says `/Patient?page=2`', () => {
  const root = buildEhrAddress(['https://ehr.example.org'])
  const write = (value: string) =>
    rewriteJson(`{"url":"${value}"}`, root, { ours, asked: 'https://ehr.example.org/Patient' })
  assert.equal(write('/Patient?page=2'), `{"url":"${ours}/Patient?page=2"}`)
  for (const value of ['//evil.example/Patient', 'Patient/1', '?page=2']) {
    assert.equal(write(value), `{"url":"${value}"}`)
  }
})

// The slow reference: parses the document, knows the places by themselves, and asks of each value that a
// browser at our origin ends where a browser at the EHR's would, and that nothing else has changed.
const askedOfUs = `${ours}/Patient`
const bases = [base, alias]
const NAMES = /^\/(StructureDefinition|ValueSet|CodeSystem|Questionnaire|TerminologyCapabilities)\//

/** What a browser at the EHR's origin would ask of the EHR, below the base. */
function restOf(value: string): string | undefined {
  const url = URL.parse(value, asked)
  if (url === null || url.username !== '') return undefined
  const found = bases
    .map(one => new URL(one))
    .find(one => {
      const isBelow = url.pathname === one.pathname || url.pathname.startsWith(`${one.pathname}/`)
      return url.host.replace(/\.$/, '') === one.host && url.protocol === one.protocol && isBelow
    })
  return found && url.pathname.slice(found.pathname.length) + url.search
}

function isAsked(rest: string): boolean {
  try {
    parseTarget(`/m${rest}`, '/m')
    return true
  } catch {
    return false
  }
}

type BundlePlace = 'link' | 'name' | 'unknown'

function placeOf(key: string | undefined, members: Record<string, unknown>): BundlePlace {
  const isOwn = key === undefined || /^[A-Z]|^(?:resource|contained|outcome)$/.test(key)
  if (!isOwn) {
    return /^(?:extension|modifierExtension|structure|unmapped)$/.test(key) ? 'name' : 'link'
  }
  const names = Object.keys(members)
  const { resourceType } = members
  const isKnown =
    names.includes('resourceType') && names.indexOf('resourceType') < names.indexOf('url')
  if (!isKnown || !/^[A-Z][A-Za-z]{0,63}$/.test(String(resourceType))) return 'unknown'
  return resourceType === 'Device' ? 'link' : 'name'
}

function compare(sent: unknown, got: unknown, key?: string): void {
  if (Array.isArray(sent)) {
    assert.ok(Array.isArray(got) && got.length === sent.length)
    for (const [i, item] of sent.entries()) compare(item, got[i], key)
  } else if (typeof sent === 'object' && sent !== null) {
    const [before, after] = [sent, got] as Record<string, unknown>[]
    assert.deepEqual(Object.keys(before ?? {}), Object.keys(after ?? {}))
    const place = placeOf(key, before ?? {})
    for (const [name, value] of Object.entries(before ?? {})) {
      if (typeof value === 'string') compareValue(name, place, value, String(after?.[name]))
      else compare(value, after?.[name], name)
    }
  } else {
    assert.equal(got, sent)
  }
}

function compareValue(name: string, place: BundlePlace, value: string, got: string): void {
  const rest = ['fullUrl', 'reference', 'location', 'url'].includes(name)
    ? restOf(value)
    : undefined
  const isName =
    name === 'url' && (place === 'name' || (place === 'unknown' && NAMES.test(rest ?? '')))
  if (rest === undefined || isName || !isAsked(rest)) {
    assert.equal(got, value, name)
  } else {
    const there = new URL(got, askedOfUs)
    there.hash = ''
    const [went, expected] = [there.href, ours + rest].map(href =>
      escapeOdd(href).replace(/\?$/, ''),
    )
    assert.equal(went, expected, `${name} ${value}`)
  }
}

/** What a browser leaves bare and no header may hold. */
const escapeOdd = (href: string) => href.replace(/[\\|^`{}[\]]/g, encodeURIComponent)

const spellings = [
  ...[base, 'https://ehr.example.org:443/fhir/r4', alias, 'HTTPS://ehr.EXAMPLE.org/fhir/r4'],
  ...['/fhir/r4', '//ehr.example.org/fhir/r4', 'https://ehr.example.org/x/../fhir/r4'],
  ...['https://evil.example/fhir/r4', 'https://ehr.example.org./fhir/r4', '//evil.example'],
]
const address = fc
  .tuple(
    fc.constantFrom(...spellings),
    fc.constantFrom('', '/', '?', 'x', '/Patient/1', '?a=b', '.evil', ':443', '/Questionnaire/x'),
    fc.constantFrom('', '/ValueSet/1', '/ValueSet?x?y', '/Questionnaire/1', '"', '\\', 'é', '//'),
  )
  .map(parts => parts.join(''))
const text = fc.oneof(
  { weight: 3, arbitrary: address },
  fc.string(),
  fc.constantFrom('Device', 'Questionnaire', 'Bundle'),
  address.map(value => `"reference": "${value}"`),
)
const key = fc.oneof(
  fc.constantFrom('fullUrl', 'reference', 'location', 'url', 'url', 'url', 'system', 'div'),
  fc.constantFrom(
    'resource',
    'contained',
    'extension',
    'link',
    'structure',
    'Patient',
    'resourceType',
  ),
  fc.constantFrom('url ', 'x"url', 'x"reference', 'url":"', 'reference :', ' url', '\\url', 'URL'),
  fc.string({ maxLength: 5 }).filter(name => name !== '__proto__'),
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

test('[Q54, Q55] in pieces of any size it does what a parser would', () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 20 })
  const styles = fc.array(fc.nat(), { minLength: 1, maxLength: 30 })
  fc.assert(
    fc.property(document, styles, sizes, (value, style, pieceSizes) => {
      let i = 0
      const printed = print(value, () => style[i++ % style.length] ?? 0)
      const source = Buffer.from(printed).toString('latin1')
      const whole = rewrite(source)
      const rewriting = createJsonRewriting(needle, rewritten)
      const pieces = cut(source, pieceSizes).map(piece => rewriting.push(piece))
      assert.equal(pieces.join('') + rewriting.end(), whole)
      const read = (latin1: string) => JSON.parse(Buffer.from(latin1, 'latin1').toString())
      compare(read(source), read(whole))
    }),
    { numRuns: 20_000 },
  )
})

test('nothing is kept back but what may still become an address', () => {
  const rewriting = createJsonRewriting(needle, rewritten)
  const line = `{"resourceType":"Patient","id":"1"}\n`
  assert.equal(rewriting.push(line), line)
  assert.equal(rewriting.push('{"url":"https://ehr'), '{"url":')
  assert.equal(rewriting.push('.example.org/other"'), '"https://ehr.example.org/other"')
  assert.equal(rewriting.push(',"url":"urn:'), ',"url":"urn:')
  assert.equal(rewriting.push('uuid:1","div":"https://ehr'), 'uuid:1","div":"https://ehr')
  assert.equal(rewriting.push('","url":"h'), '","url":')
  assert.equal(rewriting.push('x'.repeat(9000)).length, 9002)
  assert.equal(rewriting.push('","u'), '",')
  assert.equal(rewriting.end(), '"u')
})
