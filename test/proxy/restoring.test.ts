import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { restoreQuery } from '../../src/proxy/restore-query.ts'
import { buildEhrAddress, rewriteDocument } from '../../src/proxy/rewrite.ts'
import type { Grammar } from '../../src/proxy/written.ts'
import { assertLinear } from '../work/steps.ts'
import { base, judge, ours, publicUrl, sessionId, theirs, whose } from './judging.ts'
import { refusalOf } from './refusal.ts'

const xml = (inner: string) => `<a>${inner}</a>`
const slashes = (address: string) => address.replaceAll('/', '\\/')
const unicode = (address: string) => address.replaceAll('/', '\\u002f').replace('h', '\\u0068')
const references = (address: string) => address.replaceAll('/', '&#x2f;').replace('h', '&#104;')

test('values under our address are asked of the EHR by its own, all other bytes stay', () => {
  const shouted = `HTTPS://App.Example.org:443/bff/sessions/${sessionId}/fhir/x`
  const rows: [Grammar, string, string][] = [
    ['json', `{"reference":"${ours}/Patient/1"}`, `{"reference":"${base}/Patient/1"}`],
    ['json', `["${ours}", "${ours}?a=b"]`, `["${base}", "${base}?a=b"]`],
    ['json', `{"x" : "${slashes(ours)}\\/x\\u00e9é"}`, `{"x" : "${base}\\/x\\u00e9é"}`],
    ['json', `{"x" : "${unicode(ours)}"}`, `{"x" : "${base}"}`],
    ['json', `{"a":"${shouted}"}`, `{"a":"${base}/x"}`],
    ['json', `"${ours}/${'x'.repeat(99_000)}"`, `"${base}/${'x'.repeat(99_000)}"`],
    ['xml', xml(`<reference value="${ours}/x"/>`), xml(`<reference value="${base}/x"/>`)],
    [
      'xml',
      xml(`<x value = '${references(ours)}?a&amp;é'/>`),
      xml(`<x value = '${base}?a&amp;é'/>`),
    ],
    ['xml', xml(`<extension url='${ours}'/>`), xml(`<extension url='${base}'/>`)],
    ['query', `a=${ours}/Patient/1&x=${ours},${ours}/y`, `a=${base}/Patient/1&x=${base},${base}/y`],
    [
      'query',
      `subject=${encodeURIComponent(`${ours}/Patient/1`)}&a=b`,
      `subject=${encodeURIComponent(base)}%2FPatient%2F1&a=b`,
    ],
    ['query', `a=x%7C${encodeURIComponent(ours)}%2C1`, `a=x%7C${encodeURIComponent(base)}%2C1`],
    ['query', `a=%68${ours.slice(1)}`, `a=${encodeURIComponent(base)}`],
  ]
  for (const [grammar, text, expected] of rows) {
    for (const pieces of [[65_536], [1], [100, 7]]) {
      assert.deepEqual(judge(grammar, text, { pieces }), { sent: expected }, text.slice(0, 99))
    }
  }
})

test('everything else stays: look-alikes, other pages of ours, narrative', () => {
  const rows: [Grammar, string][] = [
    ['json', `{"a":"${ours}x"}`],
    ['json', `{"a":"x${ours}/x","${ours}":1}`],
    ['json', `{"a":"${publicUrl}/patients"}`],
    ['json', `{"a":"${publicUrl}.evil.example/sessions/${sessionId}/fhir"}`],
    ['json', `{"div":"<a href=\\"${ours}/x\\">"}`],
    ['xml', `<div><a href="${ours}/x">${ours}/x</a></div>`],
    ['xml', `<a xvalue="${ours}/x"/>`],
    ['query', `a=x${ours}`],
    ['query', `a=${ours}x`],
  ]
  for (const [grammar, text] of rows) assert.deepEqual(judge(grammar, text), { sent: text })
})

test('[P26, K13, P31] a value of another session is refused, however it is escaped', () => {
  const rows: [Grammar, string][] = [
    ['json', `{"subject":{"reference":"${theirs}/Patient/1"}}`],
    ['json', `{"a":"${ours}/x","b":"${slashes(theirs)}"}`],
    ['json', `{"a":"${unicode(theirs)}"}`],
    ['json', `{"a":"${encodeURIComponent(theirs)}"}`],
    ['json', `{"a":"\\t ${theirs}"}`],
    ['json', `{"a":"https://\\uff41pp.example.org/bff/sessions/x/fhir"}`],
    ['json', `{"a":"https://APP.example.org:443/bff/sessions/x/fhir/Patient/1"}`],
    ['json', `{"a":"${publicUrl}/fhir/Patient/1"}`],
    ['xml', xml(`<reference value="${theirs}/x"/>`)],
    ['xml', xml(`<reference value='${references(theirs)}'/>`)],
    ['xml', xml(`<reference value="&#x9;${theirs}"/>`)],
    ['xml', xml(`<x:y z="1" xmlns:x="u" x:value="${theirs}"/>`)],
    ['xml', `<a url="${theirs}"/>`],
    ['query', `subject=${theirs}/Patient/1`],
    ['query', `subject=${encodeURIComponent(theirs)}`],
    ['query', `subject=${encodeURIComponent(encodeURIComponent(theirs))}`],
    ['query', `a=b%2c%68${theirs.slice(1)}`],
    ['query', `a=+${theirs}`],
  ]
  for (const [grammar, text] of rows) {
    for (const pieces of [[65_536], [1], [50, 3]]) {
      assert.deepEqual(judge(grammar, text, { pieces }), { code: 'foreign_reference' }, text)
    }
    const { code } = judge(grammar, text, { restores: false })
    assert.equal(code, undefined, 'where nothing is rewritten, nothing is looked for')
  }
  const long = 'x'.repeat(70_000)
  for (const grammar of ['json', 'xml'] as const) {
    for (const value of [`${theirs}/${long}`, `${publicUrl}/${long}/../sessions/B/fhir`]) {
      const text = grammar === 'json' ? `"${value}"` : `<a value="${value}"/>`
      assert.equal(judge(grammar, text).code, 'foreign_reference')
    }
  }
  assert.equal(judge('xml', `<a value="${ours}/${long}"/>`).code, 'body_invalid')
})

test('[P31] an XML patch carries no address of ours in its text', () => {
  const patch = (text: string) => `<diff><replace sel="a/@value">${text}</replace><b>x</b></diff>`
  const texts = [
    ...[theirs, ours, references(theirs), ` ${theirs}/x`, `<![CDATA[${theirs}]]>`],
    ...[theirs.replace('://', ':<!-- x -->//'), theirs.replace('app', '<![CDATA[app]]>')],
    ...[theirs.replace('.', '<?x y?>.'), theirs.replace('app', '&#xff41;pp')],
    theirs.replace('app', 'ａpp'),
  ]
  for (const text of texts) {
    for (const pieces of [[65_536], [1]]) {
      const type = 'application/xml-patch+xml'
      const { code } = judge('xml', patch(text), { type, pieces })
      assert.equal(code, 'foreign_reference', text)
    }
    assert.equal(judge('xml', patch(text)).code, undefined, 'text is text in all other documents')
  }
  const { sent } = judge('xml', patch('https://x.example/'), { type: 'application/xml-patch+xml' })
  assert.equal(sent, patch('https://x.example/'))
})

test('a request by the alias may use the alias', () => {
  const byAlias = { ...whose, byAlias: true }
  assert.equal(restoreQuery(`a=${publicUrl}/fhir/x&b=${ours}`, byAlias), `a=${base}/x&b=${base}`)
  assert.equal(
    refusalOf(() => restoreQuery(`a=${theirs}`, byAlias)),
    'foreign_reference',
  )
})

test('[P31, P32] any JSON: what comes out is what JSON.parse reads, with the EHR’s base in it', () => {
  const value = fc.constantFrom(
    ours,
    `${ours}/Patient/1`,
    `${ours}?é`,
    'https://x.example/',
    'x',
    '',
  )
  const escaped = (text: string, choices: number[]) =>
    Array.from(JSON.stringify(text))
      .map((char, i) => {
        const how = choices[i % choices.length]
        if (i === 0 || i === JSON.stringify(text).length - 1 || char === '\\') return char
        if (how === 0 && char === '/') return '\\/'
        return how === 1 ? `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}` : char
      })
      .join('')
  const space = fc.constantFrom('', ' ', '\n\t')
  fc.assert(
    fc.property(
      fc.array(fc.tuple(value, fc.array(fc.nat(3), { minLength: 1 }), space), { maxLength: 6 }),
      fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1, maxLength: 4 }),
      (items, pieces) => {
        const members = items.map(
          ([text, how, gap], i) => `"${i}"${gap}:${gap}${escaped(text, how)}`,
        )
        const body = `{${members.join(',')}}`
        const { sent = '' } = judge('json', body, { pieces })
        const expected = items.map(([text]) =>
          text.startsWith(ours) ? base + text.slice(ours.length) : text,
        )
        assert.deepEqual(Object.values(JSON.parse(sent)), expected, body)
      },
    ),
    { numRuns: 1000 },
  )
})

test('what was rewritten comes back as it was', () => {
  const ehr = buildEhrAddress([base])
  const rewritten = { ours, asked: base }
  const path = fc.constantFrom('', '/Patient/1', '/Binary/a?b=c', '?_getpages=1')
  const key = fc.constantFrom('fullUrl', 'reference', 'location', 'url')
  fc.assert(
    fc.property(fc.array(fc.tuple(key, path)), members => {
      const json = JSON.stringify(members.map(([name, rest]) => ({ [name]: base + rest })))
      assert.equal(judge('json', rewriteDocument('json', json, ehr, rewritten)).sent, json)
      const text = xml(members.map(([name, rest]) => `<${name} value="${base}${rest}"/>`).join(''))
      assert.equal(judge('xml', rewriteDocument('xml', text, ehr, rewritten)).sent, text)
    }),
  )
})

test('[P10, P24, P30] a form hides neither a method nor a format, in whatever pieces', () => {
  const filler = 'a=b&'.repeat(50)
  const rows: [string, string | undefined][] = [
    ['_method=DELETE', 'query_invalid'],
    ['%5fMETHOD', 'query_invalid'],
    [`_id=${'1,'.repeat(2000)}&_method=x`, 'query_invalid'],
    ['_format=html', 'format_refused'],
    ['_format=json&_format=json', 'format_refused'],
    [`_format=json&x=${'y'.repeat(2000)}&_format=xml`, 'format_refused'],
    ['_format=application/fhir%2Bjson', undefined],
    [`x=${'_method=x'.repeat(300)}`, undefined],
  ]
  for (const [form, code] of rows) {
    for (const pieces of [[65_536], [1], [13]]) {
      for (const restores of [true, false]) {
        assert.equal(judge('query', filler + form, { pieces, restores }).code, code, form)
      }
    }
  }
})

test('[DS3, P30, P32] judging takes work that grows no faster than the body', () => {
  const rows: [Grammar, string, string[]][] = [
    [
      'json',
      '["',
      ['h', `","${ours}`, `","${ours}/..`, `","https://`, '\\u0068', '%', `","%68`, 'é'],
    ],
    [
      'json',
      '{"entry":[{"request":{"url":"',
      ['a', '/', '%61', ',', 'é', '"}},{"request":{"url":"x'],
    ],
    ['xml', '<a value="', ['a', '&amp;', '\n', '\t', `"/><a value="${ours}`, `"/><a value="h`]],
    ['xml', '<a', [' b', ' b=""', '<a>', '><a', '<!--', '><!-- - - -->', '&', '>&amp;', '><?x ?>']],
    ['xml', '<a><!--', ['-', '- ', '<', ' ']],
    ['xml', '<!DOCTYPE a [', ['<', '"', "'", '-', ']', '<!--']],
    [
      'query',
      'a=',
      ['a', '&', ',', '%', '%2', '%2C', '=', '+', '%68', `,${ours}`, ',h', '&_format'],
    ],
  ]
  for (const [grammar, start, units] of rows) {
    for (const unit of units) {
      const run = (size: number) => {
        judge(grammar, start + unit.repeat(size), { isBatch: true, pieces: [500] })
      }
      assertLinear(run, 300, `${grammar} ${start} ${unit}`)
    }
  }
})

test('[P32] an address of ours in XML that is longer than what is judged of a value is refused', () => {
  const long = `${ours}/${'x'.repeat(99_000)}`
  assert.equal(judge('xml', xml(`<reference value="${long}"/>`)).code, 'body_invalid')
  const foreign = xml(`<reference value="${base}/${'x'.repeat(99_000)}"/>`)
  assert.deepEqual(judge('xml', foreign), { sent: foreign })
})
