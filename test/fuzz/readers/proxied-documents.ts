// Readers of documents that the proxy carries: JSON and XML, judged on their way out and rewritten on their way back.

import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { SaxesParser } from 'saxes'
import { buildEhrAddress } from '../../../src/proxy/ehr-address.ts'
import { createJsonRewriting, rewriteJson } from '../../../src/proxy/rewrite-json.ts'
import { createXmlRewriting, rewriteXml } from '../../../src/proxy/rewrite-xml.ts'
import { sniffDocument } from '../../../src/proxy/sniff.ts'
import { base, judge, ours } from '../../proxy/judging.ts'
import { cuts, type Reader } from '../reader.ts'
import { jsonScraps as json } from './json-scraps.ts'

const bundle = JSON.stringify({
  resourceType: 'Bundle',
  type: 'batch',
  link: [{ relation: 'self', url: `${base}?a=b` }],
  entry: [
    {
      fullUrl: `${base}/Patient/1`,
      request: { method: 'GET', url: 'Patient/1' },
      resource: { id: '1', n: 1.5e3 },
    },
  ],
})
const xml = [
  ...[
    '<',
    '>',
    '/>',
    '</',
    '<a>',
    '</a>',
    '<a b="c"/>',
    '="',
    "'",
    '"',
    '&amp;',
    '&#x0;',
    '&#47;',
    '&x;',
    '<!--',
    '-->',
    '<![CDATA[',
    ']]>',
  ],
  ...[
    '<!DOCTYPE x>',
    '<?xml version="1.0"?>',
    '<?x?>',
    ' value="',
    'xmlns="',
    ':',
    base,
    `${ours}/x`,
    '\n',
    'é',
    '\x01',
  ],
]
const feed = `<?xml version="1.0"?><Bundle xmlns="http://hl7.org/fhir"><link><url value="${base}?a"/></link><entry><request><url value="Patient/1"/></request></entry></Bundle>`
const needle = buildEhrAddress([base])
const rewritten = { ours, asked: `${base}/Patient` }

export const proxiedDocumentReaders: readonly Reader[] = [
  {
    name: 'JSON of a request',
    scraps: json,
    samples: [bundle, '{}', '{"a":[1,"b",null,{"c":true}]}', '"a"', '[]'],
    read(text) {
      const whole = judge('json', text, { restores: false })
      for (const pieces of [[1], [7, 3], [64]]) {
        if (text.length < 10_000)
          assert.deepEqual(judge('json', text, { restores: false, pieces }), whole)
      }
      if (whole.code === undefined) {
        assert.equal(whole.sent, Buffer.from(text).toString())
        JSON.parse(whole.sent ?? '')
      } else assert.ok(['body_invalid', 'foreign_reference'].includes(whole.code), whole.code)
      // With addresses restored it stays a document, and the same one where there is none of ours.
      const restored = judge('json', text)
      if (restored.sent === undefined) return
      const value = JSON.parse(restored.sent)
      if (!/app|\\u|\\\//i.test(text))
        assert.deepEqual(value, JSON.parse(Buffer.from(text).toString()))
    },
    work: text => judge('json', text, { isBatch: true }),
  },
  {
    name: 'NDJSON of a request',
    scraps: [...json, '\n', '\r\n', '{}\n'],
    samples: ['{"a":1}\n{"b":2}\n', '{}', '\n'],
    read(text) {
      const how = { restores: false, type: 'application/fhir+ndjson' }
      const whole = judge('json', text, how)
      for (const pieces of [[1], [5]])
        assert.deepEqual(judge('json', text, { ...how, pieces }), whole)
      if (whole.sent === undefined) return
      for (const line of whole.sent.split('\n')) if (line.trim() !== '') JSON.parse(line)
    },
    work: text => judge('json', text, { type: 'application/fhir+ndjson' }),
  },
  {
    name: 'XML of a request',
    scraps: xml,
    samples: [feed, '<a/>', '<a b="c">d</a>', '<a xmlns:x="y"><x:b/></a>'],
    read(text) {
      const whole = judge('xml', text, { restores: false })
      for (const pieces of [[1], [7, 3], [64]]) {
        if (text.length < 10_000)
          assert.deepEqual(judge('xml', text, { restores: false, pieces }), whole)
      }
      if (whole.code !== undefined) {
        return assert.ok(['body_invalid', 'foreign_reference'].includes(whole.code), whole.code)
      }
      const parser = new SaxesParser({ xmlns: true })
      parser.on('error', error => assert.fail(`another reader: ${error.message}`))
      parser.on('doctype', () => assert.fail('a document type passes'))
      parser.write(whole.sent ?? '').close()
    },
    work: text => judge('xml', text, { isBatch: true }),
  },
  {
    name: 'JSON of an answer',
    scraps: json,
    samples: [bundle, '{"reference":"Patient/1"}', `{"url":"${base}/x"}`],
    read(text) {
      const whole = rewriteJson(text, needle, rewritten)
      for (const pieces of cuts(text)) {
        const rewriting = createJsonRewriting(needle, rewritten)
        const parts = pieces.map(piece => rewriting.push(piece))
        assert.equal(parts.join('') + rewriting.end(), whole, 'in pieces it is another answer')
      }
      const value = parse(text)
      if (value !== undefined) {
        const after = parse(whole)
        assert.ok(after !== undefined, 'a document is one no more')
        assert.equal(shapeOf(after), shapeOf(value))
      }
    },
    work: text => rewriteJson(text, needle, rewritten),
  },
  {
    name: 'XML of an answer',
    scraps: xml,
    samples: [feed, `<a value="${base}/x"/>`, `<url value='${base}'/>`],
    read(text) {
      const whole = rewriteXml(text, needle, rewritten)
      for (const pieces of cuts(text)) {
        const rewriting = createXmlRewriting(needle, rewritten)
        const parts = pieces.map(piece => rewriting.push(piece))
        assert.equal(parts.join('') + rewriting.end(), whole, 'in pieces it is another answer')
      }
      if (!text.includes('ehr') && !text.includes('/fhir') && !/&/.test(text))
        assert.equal(whole.length >= text.length, true)
    },
    work: text => rewriteXml(text, needle, rewritten),
  },
  {
    name: 'first bytes',
    scraps: [...json, ...xml, '\xff\xfe', '\xef\xbb\xbf'],
    samples: [
      '{"resourceType":"Patient"}',
      '<Patient xmlns="http://hl7.org/fhir"/>',
      '<html>',
      '%PDF-1.7',
    ],
    read(text) {
      const told = sniffDocument(Buffer.from(text, 'latin1'))
      assert.ok(told === undefined || ['json', 'xml', 'other'].includes(told), String(told))
      if (/^\s*<(?:html|svg|!doctype)/i.test(text))
        assert.ok(told === 'other' || told === undefined)
    },
    work: text => sniffDocument(Buffer.from(text, 'latin1')),
  },
]

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** A document without its texts: what no rewriting changes. */
function shapeOf(value: unknown): string {
  return JSON.stringify(value, (_name, member) => (typeof member === 'string' ? '' : member))
}
