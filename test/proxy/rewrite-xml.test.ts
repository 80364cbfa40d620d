import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { buildEhrAddress } from '../../src/proxy/ehr-address.ts'
import { createXmlRewriting, rewriteXml } from '../../src/proxy/rewrite-xml.ts'
import { assertLinear } from '../work/steps.ts'

const base = 'https://ehr.example.org/fhir/r4'
const ours = 'https://app.example.org/bff/sessions/AAAAAAAAAAAAAAAAAAAAAA/fhir'
const needle = buildEhrAddress([base])
const rewritten = { ours, asked: `${base}/Patient` }

function inPieces(text: string, sizes: readonly number[]): string {
  const rewriting = createXmlRewriting(needle, rewritten)
  let out = ''
  for (let at = 0, i = 0; at < text.length; i++) {
    const size = sizes[i % sizes.length] ?? 1
    out += rewriting.push(text.slice(at, at + size))
    at += size
  }
  return out + rewriting.end()
}

test('[R17] addresses of the EHR become ours where clients follow them', () => {
  const rows: [string, string][] = [
    [`<fullUrl value="${base}/Patient/1"/>`, `<fullUrl value="${ours}/Patient/1"/>`],
    [`<reference  value = '${base}/Patient/1' />`, `<reference  value = '${ours}/Patient/1' />`],
    [`<f:location value="${base}/x"></f:location>`, `<f:location value="${ours}/x"></f:location>`],
    [`<url id="a>b" value="${base}?x=1"/>`, `<url id="a>b" value="${ours}?x=1"/>`],
    [`<url\n value="HTTPS://Ehr.Example.org:443/fhir/r4"/>`, `<url\n value="${ours}"/>`],
  ]
  for (const [text, expected] of rows) assert.equal(rewriteXml(text, needle, rewritten), expected)
})

test('look-alikes, names, narrative, comments and data stay as they are', () => {
  const rows = [
    `<reference value="${base}x/Patient/1"/>`,
    `<reference value="${base}.evil.example/"/>`,
    `<references value="${base}/Patient/1"/>`,
    `<system value="${base}/Patient/1"/>`,
    `<profile value="${base}/StructureDefinition/1"/>`,
    `<extension url="${base}/StructureDefinition/x"/>`,
    `<extension url="${base}/Patient/x"/>`,
    `<url value="${base}/StructureDefinition/x"/>`,
    `<reference id=' value="${base}/x"' other="${base}/x"/>`,
    `<reference>value="${base}/x"</reference>`,
    `<div><a href="${base}/Patient/1">${base}/Patient/1</a></div>`,
    `<!-- <reference value="${base}/x"/> -->`,
    `<div><![CDATA[ <reference value="${base}/x"/> ]]></div>`,
    `<?x <reference value="${base}/x"/> ?>`,
  ]
  for (const text of rows) assert.equal(rewriteXml(text, needle, rewritten), text)
})

const hostile: Record<string, (size: number) => string> = {
  'values of one element': size => `<url ${`value='${base}X' `.repeat(size)}/>`,
  'values of one element, all but the base': size => `<url ${`value="${base}`.repeat(size)}`,
  'attributes of one element': size => `<url ${`a="b" c='>' `.repeat(size)}`,
  'a name without end': size => `<url ${'v'.repeat(size)}`,
  'spaces behind a name': size => `<url value${' '.repeat(size)}`,
  'spaces around an equals sign': size => `<url value ${'= '.repeat(size)}`,
  'a value without end': size => `<url value="${'x'.repeat(size)}`,
  'values without end': size => `<url value="`.repeat(size),
  'elements without end': size => '<url '.repeat(size),
  'prefixes of elements': size => `<${'f:'.repeat(size)}`,
  'a prefix without end': size => `<${'f'.repeat(size)}`,
  'comments in a comment': size => '<!--'.repeat(size),
  'a comment without end': size => `<!-- ${'-'.repeat(size)}`,
  'data without end': size => `<![CDATA[${']'.repeat(size)}`,
  'beginnings of tags': size => '<'.repeat(size),
}

test('[DS3, DS10] work grows no faster than the text, whole and in pieces', () => {
  for (const [name, build] of Object.entries(hostile)) {
    assertLinear(size => rewriteXml(build(size), needle, rewritten), 1000, name)
    assertLinear(size => inPieces(build(size), [16]), 1000, name)
  }
})

test('[DS10] nothing is kept back but the beginning of a name and of an address', () => {
  for (const [name, build] of Object.entries(hostile)) {
    const rewriting = createXmlRewriting(needle, rewritten)
    rewriting.push(build(10_000))
    assert.ok(rewriting.end().length < 128, name)
  }
})

test('a tag of any length is rewritten, and one that no parser reads is left as it is', () => {
  const long = `<url id="${'x'.repeat(1 << 16)}" value="${base}/x"/>`
  assert.equal(inPieces(long, [1000]), long.replace(base, ours))
  const bad = [
    `<url id="<url value="${base}/x"/>`,
    `<url id"value="${base}/x"/>`,
    `<url =value="${base}/x"/>`,
    `<url id="a"value="${base}/x"/>`,
    `<url value "${base}/x"/>`,
    `<url value="${base}'/>`,
    `<url value='${base}"/>`,
    `<${'f'.repeat(64)}:url value="${base}/x"/>`,
  ]
  for (const text of bad.slice(1)) assert.equal(inPieces(text, [3]), text)
  const [nested = ''] = bad
  assert.equal(inPieces(nested, [3]), nested.replace(base, ours))
})

test('[Q54] where a url stands decides whether it is a link or a name', () => {
  const url = `<url value="${base}/Questionnaire/_history?page=2&amp;x=1"/>`
  const rows: [text: string, isLink: boolean][] = [
    ['<Bundle><link><relation value="next"/>@</link></Bundle>', true],
    [
      '<Bundle><entry><resource><Library><content><x/>@</content></Library></resource></entry></Bundle>',
      true,
    ],
    [
      '<f:Bundle><f:entry><f:request><f:method value="GET"/>@</f:request></f:entry></f:Bundle>',
      true,
    ],
    ['<Media><content>@</content></Media>', true],
    ['<Device>@</Device>', true],
    ['<Questionnaire><meta><a/><b></b></meta>@</Questionnaire>', false],
    ['<Bundle><entry><resource><f:ValueSet>@</f:ValueSet></resource></entry></Bundle>', false],
    ['<StructureMap><structure>@</structure></StructureMap>', false],
    ['<ConceptMap><group><unmapped>@</unmapped></group></ConceptMap>', false],
    [
      '<Bundle><link></link><entry/><!-- <link> --></Bundle><Questionnaire>@</Questionnaire>',
      false,
    ],
  ]
  for (const [text, isLink] of rows) {
    const source = text.replace('@', url)
    const expected = isLink ? source.replace(base, ours) : source
    assert.equal(rewriteXml(source, needle, rewritten), expected, text)
    assert.equal(inPieces(source, [1]), expected, text)
  }
})

test('[Q55] every spelling that a browser would follow elsewhere from our origin', () => {
  const rows: [value: string, rest: string][] = [
    ['/fhir/r4?_getpages=a&amp;b=1', '?_getpages=a&amp;b=1'],
    ['//ehr.example.org/fhir/r4/Patient?x=1', '/Patient?x=1'],
    ['https:&#x2F;&#47;ehr.example.org/fhir/r4/Patient', '/Patient'],
    [' https://ehr.example.org/fhir/r4/Patient', '/Patient'],
    ['https://ehr.example.org/x/../fhir/r4?a=1&amp;b=2', '?a=1&#38;b=2'],
    ['../%724?page=2', '?page=2'],
  ]
  for (const [value, rest] of rows) {
    const source = `<link><url value='${value}'/></link>`
    assert.equal(
      rewriteXml(source, needle, rewritten),
      `<link><url value='${ours}${rest}'/></link>`,
    )
  }
  const issue = `<issue><location value="/fhir/r4/Patient"/></issue>`
  assert.equal(rewriteXml(issue, needle, rewritten), issue)
})

// A document as a list of parts, each with what it must become: the meaning is known by construction.
type Part = [source: string, expected: string]

const same = (text: string): Part => [text, text]
const rest = fc.constantFrom(
  '',
  '/',
  '/Patient/1',
  '?a=b',
  'x',
  '.evil',
  '/ValueSet/1',
  '/ValueSet?x',
)
const spelling = fc.constantFrom(
  base,
  'HTTPS://EHR.example.org:443/fhir/r4',
  'https://evil.example/fhir',
)
const plainText = fc.string({ maxLength: 20 }).map(text => text.replace(/[<&"']/g, ''))
const prefix = fc.constantFrom('', '', 'f:', 'f\xc3\xa0:', `${'f'.repeat(63)}:`)
const space = fc.constantFrom(' ', '\n', '  \t')

const element = fc
  .record({
    parents: fc.constantFrom(
      [],
      ['link'],
      ['Bundle', 'link'],
      ['Questionnaire'],
      ['f:Device'],
      ['Bundle', 'f:Questionnaire'],
      ['structure'],
    ),
    prefix,
    name: fc.constantFrom('fullUrl', 'reference', 'location', 'url', 'system', 'urls', 'extension'),
    attributes: fc.array(fc.constantFrom('id="x"', "id='a>b'", 'xvalue="1"', `url="${base}/x"`), {
      maxLength: 2,
    }),
    spaces: fc.array(space, { minLength: 4, maxLength: 4 }),
    quote: fc.constantFrom('"', "'"),
    spelling,
    rest,
    isEmpty: fc.boolean(),
  })
  .map(({ parents, prefix, name, attributes, spaces, quote, spelling, rest, isEmpty }): Part => {
    const parent = parents.at(-1)?.replace('f:', '')
    const isName =
      parent === undefined ? rest.startsWith('/ValueSet/') : !['link', 'Device'].includes(parent)
    const isAddress =
      ['fullUrl', 'reference', 'location', 'url'].includes(name) &&
      !spelling.includes('evil') &&
      /^(?:$|[/?])/.test(rest) &&
      !(name === 'url' && isName)
    const print = (value: string) =>
      [
        ...parents.map(open => `<${open} a='/>'>`),
        `<${prefix}${name}`,
        ...attributes.map(attribute => spaces[0] + attribute),
        `${spaces[1]}value=${quote}${value}${quote}`,
        isEmpty ? '/>' : `>text</${prefix}${name}>`,
        ...parents.toReversed().map(open => `</${open}>`),
      ].join('')
    return [print(spelling + rest), print((isAddress ? ours : spelling) + rest)]
  })
const part = fc.oneof(
  { weight: 4, arbitrary: element },
  plainText.map(same),
  element.map(([source]) => same(`<!--${source}-->`)),
  element.map(([source]) => same(`<![CDATA[${source}]]>`)),
  element.map(([source]) => same(`<?pi ${source}?>`)),
  plainText.map(text => same(`<div title="${text}"></div>`)),
)

test('[Q54, Q55] in pieces of any size it does what a parser would', () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 20 })
  fc.assert(
    fc.property(fc.array(part, { maxLength: 12 }), sizes, (parts, pieceSizes) => {
      const source = parts.map(([text]) => text).join('')
      const expected = parts.map(([, text]) => text).join('')
      assert.equal(rewriteXml(source, needle, rewritten), expected)
      assert.equal(inPieces(source, pieceSizes), expected)
    }),
    { numRuns: 10_000 },
  )
})

test('any text, well formed or not, comes out the same whole and in pieces', () => {
  const scrap = fc.constantFrom(
    ...[
      '<',
      '<url',
      '<f:url',
      '<reference',
      ' ',
      '\n',
      '=',
      '"',
      "'",
      '/',
      '>',
      'value',
      'value="',
    ],
    ...[
      '<!--',
      '-->',
      '<![CDATA[',
      ']]>',
      '<?',
      '?>',
      base,
      `${base}/x`,
      '/ValueSet/',
      'é',
      ' a="',
    ],
    ...['<url value="', `<reference value='${base}`, '-', ']', '?', ':'],
  )
  const sizes = fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 10 })
  fc.assert(
    fc.property(fc.array(scrap, { maxLength: 20 }), sizes, (scraps, pieceSizes) => {
      const text = scraps.join('')
      assert.equal(inPieces(text, pieceSizes), rewriteXml(text, needle, rewritten))
    }),
    { numRuns: 10_000 },
  )
})

test('the end of an element has no address, and neither has what points into a document', () => {
  const rows = [
    `<reference></reference value="${base}/Patient/1">`,
    `<issue><location value="${base}/Patient/1"/></issue>`,
  ]
  for (const text of rows) {
    assert.equal(rewriteXml(text, needle, rewritten), text)
    assert.equal(inPieces(text, [1]), text)
  }
})
