import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { buildXmlNeedle, createXmlRewriting, rewriteXml } from '../../src/proxy/rewrite-xml.ts'

const base = 'https://ehr.example.org/fhir/r4'
const ours = 'https://app.example.org/bff/sessions/AAAAAAAAAAAAAAAAAAAAAA/fhir'
const needle = buildXmlNeedle([base])

test('[R17] addresses of the EHR become ours where clients follow them', () => {
  const rows: [string, string][] = [
    [`<fullUrl value="${base}/Patient/1"/>`, `<fullUrl value="${ours}/Patient/1"/>`],
    [`<reference  value = '${base}/Patient/1' />`, `<reference  value = '${ours}/Patient/1' />`],
    [`<f:location value="${base}/x"></f:location>`, `<f:location value="${ours}/x"></f:location>`],
    [`<url id="a>b" value="${base}?x=1"/>`, `<url id="a>b" value="${ours}?x=1"/>`],
    [`<url\n value="HTTPS://Ehr.Example.org:443/fhir/r4"/>`, `<url\n value="${ours}"/>`],
  ]
  for (const [text, expected] of rows) assert.equal(rewriteXml(text, needle, ours), expected)
})

test('look-alikes, names, narrative, comments and data stay as they are', () => {
  const rows = [
    `<reference value="${base}x/Patient/1"/>`,
    `<reference value="${base}.evil.example/"/>`,
    `<reference value=" ${base}/Patient/1"/>`,
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
  for (const text of rows) assert.equal(rewriteXml(text, needle, ours), text)
})

test('[DS3] time grows no faster than the text', () => {
  const hostile = [
    '<url '.repeat(1 << 18),
    `<url ${'a="b" '.repeat(1 << 17)}`,
    `<url value="${'x'.repeat(1 << 20)}`,
    '<!--'.repeat(1 << 18),
    `<!-- ${'-'.repeat(1 << 20)}`,
    '<'.repeat(1 << 18),
  ]
  for (const text of hostile) {
    const rewriting = createXmlRewriting(needle, ours)
    let length = 0
    for (let i = 0; i < text.length; i += 4096) {
      length += rewriting.push(text.slice(i, i + 4096)).length
    }
    assert.equal(length + rewriting.end().length, text.length)
    assert.equal(rewriteXml(text, needle, ours), text)
  }
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
const prefix = fc.constantFrom('', '', 'f:')
const space = fc.constantFrom(' ', '\n', '  \t')

const element = fc
  .record({
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
  .map(({ prefix, name, attributes, spaces, quote, spelling, rest, isEmpty }): Part => {
    const isAddress =
      ['fullUrl', 'reference', 'location', 'url'].includes(name) &&
      !spelling.includes('evil') &&
      /^(?:$|[/?])/.test(rest) &&
      !(name === 'url' && rest.startsWith('/ValueSet/'))
    const print = (value: string) =>
      [
        `<${prefix}${name}`,
        ...attributes.map(attribute => spaces[0] + attribute),
        `${spaces[1]}value=${quote}${value}${quote}`,
        isEmpty ? '/>' : `>text</${prefix}${name}>`,
      ].join('')
    return [print(spelling + rest), print((isAddress ? ours : spelling) + rest)]
  })
const part = fc.oneof(
  { weight: 4, arbitrary: element },
  plainText.map(same),
  element.map(([source]) => same(`<!--${source}-->`)),
  element.map(([source]) => same(`<![CDATA[${source}]]>`)),
  element.map(([source]) => same(`<?pi ${source}?>`)),
  plainText.map(text => same(`<div title="${text}">`)),
)

test('in pieces of any size it does what a parser would', () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 20 })
  fc.assert(
    fc.property(fc.array(part, { maxLength: 12 }), sizes, (parts, pieceSizes) => {
      const source = parts.map(([text]) => text).join('')
      const expected = parts.map(([, text]) => text).join('')
      assert.equal(rewriteXml(source, needle, ours), expected)
      const rewriting = createXmlRewriting(needle, ours)
      let out = ''
      for (let at = 0, i = 0; at < source.length; i++) {
        const size = pieceSizes[i % pieceSizes.length] ?? 1
        out += rewriting.push(source.slice(at, at + size))
        at += size
      }
      assert.equal(out + rewriting.end(), expected)
    }),
    { numRuns: 10_000 },
  )
})
