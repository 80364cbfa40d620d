// Readers of documents: JSON and XML as the proxy judges and rewrites them, what EHRs describe themselves by,
// the key ring and the configuration.

import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { SaxesParser } from 'saxes'
import { ConfigError } from '../../../program/config/faults.ts'
import { loadConfig } from '../../../program/config/load.ts'
import { parseKeyRing, printKeyRing } from '../../../src/keys.ts'
import { buildEhrAddress } from '../../../src/proxy/ehr-address.ts'
import { createJsonRewriting, rewriteJson } from '../../../src/proxy/rewrite-json.ts'
import { createXmlRewriting, rewriteXml } from '../../../src/proxy/rewrite-xml.ts'
import { sniffDocument } from '../../../src/proxy/sniff.ts'
import { parseCapabilityStatement } from '../../../src/smart/discovery/capability-statement.ts'
import { applyOpenidConfiguration } from '../../../src/smart/discovery/openid-configuration.ts'
import { parseSmartConfiguration } from '../../../src/smart/discovery/smart-configuration.ts'
import { parseJsonObject } from '../../../src/smart/json.ts'
import { strictQuirks } from '../../../src/smart/quirks.ts'
import { parseTokenResponse } from '../../../src/smart/token/token-response.ts'
import { base, judge, ours } from '../../proxy/judging.ts'
import { cuts, outcomeOf, type Reader } from '../reader.ts'

const json = [
  ...[
    '{',
    '}',
    '[',
    ']',
    ':',
    ',',
    '"',
    '\\',
    '\\u0000',
    '\\ud800',
    '1e5',
    '-0',
    '01',
    'null',
    'true',
    ' ',
    '\n',
  ],
  ...[
    '"a":',
    '"a":1',
    '"resourceType":"Bundle"',
    '"entry":[',
    '"request":{',
    '"url":"',
    '"__proto__":',
    '\ufeff',
    '\x00',
    'é',
    '1e300',
  ],
  ...[`"${base}/Patient/1"`, `"${ours}/Patient/1"`, 'https:\\/\\/ehr.example.org'],
]
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
const pins = {
  ...{
    id: 'general',
    iss: base,
    origins: ['https://ehr.example.org'],
    issuers: ['https://ehr.example.org'],
  },
  ...{ scope: 'openid', idToken: 'verify' as const },
}
const described = {
  ...{
    issuer: 'https://ehr.example.org',
    authorization_endpoint: `${base}/authorize`,
    token_endpoint: `${base}/token`,
  },
  ...{
    jwks_uri: `${base}/keys`,
    code_challenge_methods_supported: ['S256'],
    capabilities: ['launch-ehr'],
  },
}
const statement = {
  resourceType: 'CapabilityStatement',
  rest: [
    {
      mode: 'server',
      security: {
        extension: [
          {
            url: 'http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris',
            extension: [
              { url: 'authorize', valueUri: `${base}/authorize` },
              { url: 'token', valueUri: `${base}/token` },
            ],
          },
        ],
      },
    },
  ],
}
const token = {
  access_token: 'a',
  token_type: 'Bearer',
  expires_in: 3600,
  scope: 'openid',
  patient: '1',
  id_token: 'a.b.c',
}
const words = [
  '"token_endpoint":',
  '"https://evil.example/x"',
  '"javascript:x"',
  '"expires_in":',
  '1e300',
  '"scope":',
  '["a"]',
  '{}',
]

const configuration = `publicUrl: https://app.example.org
keysFile: keys.json
ehrs:
  - id: general
    name: General
    iss: ${base}
    clientId: x
    clientAuth: { method: client_secret_basic, secret: a secret of the test }
    scope: launch openid patient/*.rs
`

export const documentReaders: readonly Reader[] = [
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
  {
    name: 'JSON of an EHR',
    scraps: json,
    samples: [JSON.stringify(described), '{"a":{"b":[]}}', '\ufeff{}'],
    read(text) {
      const document = parseJsonObject(Buffer.from(text))
      if (document.kind !== 'object') return
      assert.deepEqual(
        document.object,
        JSON.parse(
          Buffer.from(text)
            .toString()
            .replace(/^\ufeff/, ''),
        ),
      )
      assert.equal(Object.getPrototypeOf(document.object), Object.prototype)
      assert.ok(!Object.hasOwn(document.object, '__proto__'))
    },
    work: text => parseJsonObject(Buffer.from(text)),
  },
  {
    name: 'descriptions of an EHR',
    scraps: [...json, ...words],
    samples: [JSON.stringify(described), JSON.stringify(statement)],
    read(text) {
      const document = parseJsonObject(Buffer.from(text))
      if (document.kind !== 'object') return
      const found = [
        outcomeOf(() => parseSmartConfiguration(document.object, pins)),
        outcomeOf(() => parseCapabilityStatement(document.object, pins)),
      ]
      for (const server of found) {
        if (!('value' in server)) continue
        for (const url of [server.value.authorizationEndpoint, server.value.tokenEndpoint]) {
          assert.equal(new URL(url).origin, 'https://ehr.example.org')
        }
        outcomeOf(() => applyOpenidConfiguration(server.value, document.object, pins))
      }
    },
  },
  {
    name: 'token answer',
    scraps: [...json, ...words],
    samples: [JSON.stringify(token), '{"error":"invalid_grant"}'],
    read(text) {
      const document = parseJsonObject(Buffer.from(text))
      for (const status of [200, 400]) {
        const read = outcomeOf(() => parseTokenResponse({ status, document }, strictQuirks))
        if (!('value' in read)) continue
        assert.match(read.value.accessToken, /^[\x21-\x7e]+$/)
        const { expiresInSeconds = 1 } = read.value as { expiresInSeconds?: number }
        assert.ok(
          Number.isFinite(expiresInSeconds) && expiresInSeconds >= 0,
          `${expiresInSeconds} s`,
        )
      }
    },
  },
  {
    name: 'key ring',
    scraps: [...json, '"keys":[', '"secret":"', '"version":1', '"id":"'],
    samples: [printKeyRing(makeRing()), '{"version":1,"keys":[]}'],
    read(text) {
      try {
        const ring = parseKeyRing(text)
        assert.deepEqual(parseKeyRing(printKeyRing(ring)), ring, 'printed it is another ring')
      } catch (error) {
        // For the operator, in words of ours, without a word of the keys.
        assert.ok(error instanceof Error && error.constructor === Error, String(error))
        for (const secret of text.match(/[\w-]{40,}/g) ?? [])
          assert.ok(!error.message.includes(secret))
      }
    },
  },
  {
    name: 'configuration',
    scraps: [
      '\n',
      ': ',
      '- ',
      '{',
      '}',
      '[',
      ']',
      '&a ',
      '*a',
      '!!js ',
      '|',
      '>',
      '#',
      '"',
      "'",
      '\t',
      'ehrs:',
      'publicUrl:',
      'null',
      '<<: ',
      '? ',
      '__proto__: ',
      '---\n',
      '...',
      '1e300',
      'tls:',
      'vault: { kind: redis }',
      'https://',
    ],
    samples: [configuration, `${configuration}admin: { port: 1 }\nvault: { kind: memory }\n`],
    async read(text) {
      const source = {
        file: { name: 'fhirstorm.yaml', text },
        env: {},
        readFile: async () => printKeyRing(makeRing()),
      }
      try {
        await loadConfig(source)
      } catch (error) {
        assert.ok(error instanceof ConfigError, `${(error as Error).stack?.slice(0, 300)}`)
        assert.ok(error.faults.length > 0)
        for (const { message } of error.faults) assert.ok(!message.includes('a secret of the test'))
      }
    },
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

function makeRing() {
  return {
    keys: [
      {
        id: 'test',
        createdAt: 1_700_000_000_000,
        secret: Buffer.from(Array.from({ length: 32 }, (_, i) => (i * 97 + 13) % 251)),
      },
    ],
    epoch: 0,
    clientKeys: [],
  } as never
}
