// Readers of headers: cookies, media types, codings, conditions, who calls, what a proxy tells.

import assert from 'node:assert/strict'
import { buildCookieNames, readCookie } from '../../../src/browser/cookies.ts'
import { readHost, verifyCaller } from '../../../src/browser/guard.ts'
import { readOriginalRequest } from '../../../src/browser/original-request.ts'
import { chooseLanguage } from '../../../src/browser/page-words.ts'
import { isPrefetch } from '../../../src/browser/prefetch.ts'
import { readCaller } from '../../../src/caller.ts'
import { readCodings } from '../../../src/codings.ts'
import { readSessionName } from '../../../src/facade/client.ts'
import { buildLinkHeader } from '../../../src/link.ts'
import { strengthen, weaken } from '../../../src/proxy/entity-tags.ts'
import { buildRequestHeaders, parseBodyType } from '../../../src/proxy/headers.ts'
import { buildContentHeaders } from '../../../src/proxy/inert.ts'
import { parseMediaType } from '../../../src/proxy/media-type.ts'
import { buildOutcome } from '../../../src/proxy/outcome.ts'
import { buildTokenTraces, showsToken } from '../../../src/proxy/token-traces.ts'
import { readRetryAfter } from '../../../src/smart/rest.ts'
import { whose } from '../../proxy/judging.ts'
import { assertPrintable, outcomeOf, type Reader } from '../reader.ts'

const names = buildCookieNames(true)
const ID = 'A'.repeat(22)
const TOKEN = 'a-token-of_40.characters~that+is/long=='
const traces = buildTokenTraces(TOKEN)
const plan = {
  target: { path: '/Patient', query: '' },
  authorization: 'Bearer x',
  acceptEncoding: 'any' as const,
  whose,
}
const sent = [
  ...[
    'accept',
    'accept-encoding',
    'accept-language',
    'if-match',
    'if-none-match',
    'if-none-exist',
    'prefer',
  ],
  ...['range', 'if-modified-since', 'x-provenance', 'content-type', 'cache-control', 'if-range'],
]
const scraps = [
  ' ',
  ';',
  ',',
  '=',
  '"',
  '\\"',
  '\t',
  '\0',
  '\x7f',
  'é',
  'q=0.1',
  '*',
  '*/*',
  'W/',
  'charset=',
  'utf-8',
]

export const headerReaders: readonly Reader[] = [
  {
    name: 'Cookie',
    scraps: [
      ...scraps,
      '__Host-fhirstorm-',
      `__Host-fhirstorm-${ID}=`,
      '__Host-fhirstorm-launch-',
      '__proto__=',
      ID,
    ],
    samples: [
      `${names.ticket(ID)}=abc; a=b`,
      `${names.launch(ID)}=x; ${names.browser}=y`,
      `${names.ticket(ID)}=a; ${names.ticket(ID)}=b`,
    ],
    read(text) {
      const name = names.ticket(ID)
      const value = readCookie(text, name)
      const all = names.tickets(text).get(ID)
      assert.equal(value, all, 'two readers of one header differ')
      if (value === undefined) return
      const pairs = text.split(';').map(pair => pair.replace(/^ +/, ''))
      const own = pairs.filter(pair => pair.startsWith(`${name}=`))
      assert.deepEqual(
        own.map(pair => pair.slice(name.length + 1).trimEnd()),
        [value],
      )
    },
    work: text => [readCookie(text, names.ticket(ID)), names.tickets(text), names.launches(text)],
  },
  {
    name: 'media type',
    scraps: [
      ...scraps,
      'application/fhir+json',
      'text/html',
      'application/',
      'fhirVersion=4.0',
      '/',
      '+xml',
    ],
    samples: [
      'application/fhir+json; fhirVersion=4.0; charset=utf-8',
      'text/html',
      'a/b; c="d\\"e"',
      'text/plain, application/json',
    ],
    read(text) {
      const type = parseMediaType(text)
      for (const header of buildContentHeaders(type)) assertPrintable(header, 'an answer’s header')
      if (type === undefined) return
      // Quotes may make it longer than what is read.
      const again = parseMediaType(type.written) ?? type
      assert.deepEqual(again, type, 'what is written is read otherwise')
      assert.match(type.name, /^[!#$%&'*+.^`|~\w-]+\/[!#$%&'*+.^`|~\w-]+$/)
      const [essence = ''] = type.written.split(';', 1)
      assert.equal(essence.trim().toLowerCase(), type.name)
      outcomeOf(() => parseBodyType({ 'content-type': text }, plan.target))
    },
    work: parseMediaType,
  },
  {
    name: 'request headers',
    scraps: [
      ...scraps,
      'bytes=0-1',
      'return=minimal',
      '{"a":"',
      'https://app.example.org/bff/sessions/',
      'text/html',
    ],
    samples: [
      'application/fhir+json, */*;q=0.1',
      'W/"1", "2"',
      'gzip, br;q=0',
      'identifier=a|b',
      'bytes=0-99',
      'Wed, 21 Oct 2015 07:28:00 GMT',
      '{"resourceType":"Provenance"}',
    ],
    read(text) {
      for (const name of sent) {
        const built = outcomeOf(() => buildRequestHeaders({ [name]: text }, plan))
        if (!('value' in built)) continue
        assert.equal(built.value.length % 2, 0)
        for (const value of built.value) assertPrintable(value, name)
        const bearers = built.value.filter(
          (_, i, list) => i % 2 === 1 && list[i - 1] === 'authorization',
        )
        assert.deepEqual(bearers, ['Bearer x'])
      }
    },
    work: text => sent.map(name => outcomeOf(() => buildRequestHeaders({ [name]: text }, plan))),
  },
  {
    name: 'entity tags',
    scraps,
    samples: ['W/"1"', '"1"', '*', 'W/"a", "b"', 'W/"a,b"'],
    read(text) {
      const strong = strengthen(text)
      assert.ok(strong.length <= text.length)
      assert.equal(weaken(weaken(text)), weaken(text), 'weaker and weaker')
    },
    work: text => [strengthen(text), weaken(text)],
  },
  {
    name: 'content codings',
    scraps: [...scraps, 'gzip', 'br', 'deflate', 'zstd', 'compress', 'identity', 'x-gzip'],
    samples: ['gzip', 'gzip, br', 'identity', '', 'GZIP ,x-gzip'],
    read(text) {
      const codings = readCodings(text)
      if (codings) assert.ok(codings.length <= 3)
    },
    work: readCodings,
  },
  {
    name: 'the caller',
    scraps: [
      ...scraps,
      'same-origin',
      'cross-site',
      'navigate',
      'null',
      'https://app.example.org',
      'https://evil.example',
    ],
    samples: ['https://app.example.org', 'same-origin', 'cross-site', '1'],
    read(text) {
      const rules = { origins: new Set(['https://app.example.org']), embedded: true }
      for (const method of ['GET', 'POST', text]) {
        const judged = outcomeOf(() => verifyCaller(method, { origin: text, 'x-csrf': '1' }, rules))
        assert.equal('value' in judged, text === 'https://app.example.org', `Origin: ${text}`)
        const bare = outcomeOf(() => verifyCaller(method, { 'sec-fetch-site': text }, rules))
        if ('value' in bare) assert.ok(text === 'same-origin' && ['GET', 'HEAD'].includes(method))
      }
      readHost(['Host', text])
      isPrefetch({ 'sec-purpose': text, purpose: text } as never)
      assert.ok(['en', 'de'].includes(chooseLanguage(text)))
      const { traceparent = '', callerId = '' } = readCaller({
        traceparent: text,
        'x-request-id': text,
      })
      assertPrintable(traceparent + callerId, 'the log')
      assert.match(outcomeOf(() => readSessionName(`Bearer ${text}`)) && 'x', /x/)
      const seconds = readRetryAfter(
        new Headers(isByteString(text) ? { 'retry-after': text } : {}),
        () => 0,
      )
      assert.ok(
        seconds === undefined || (Number.isFinite(seconds) && seconds >= 0),
        `Retry-After ${seconds}`,
      )
    },
    work: text => [readCaller({ traceparent: text, 'x-request-id': text }), chooseLanguage(text)],
  },
  {
    name: 'the original request',
    scraps: [...scraps, '/verify', '/verify/api/', '?session=', ID, '&', '%', 'api='],
    samples: ['/verify?api=main', '/verify/main/a?session=x', 'GET', `/app?session=${ID}`],
    read(text) {
      for (const headers of [
        { 'x-original-method': 'POST', 'x-original-uri': text },
        { 'x-forwarded-method': text },
        { 'x-original-method': 'GET', 'fhirstorm-session': text },
      ]) {
        for (const target of ['/verify', text]) {
          const read = outcomeOf(() => readOriginalRequest('GET', target, headers))
          if (!('value' in read)) continue
          assert.match(read.value.method, /^[A-Z]{1,16}$/)
          const { session, api } = read.value
          if (session !== undefined) assert.match(session, /^[\w-]{22}$/)
          if (api !== undefined) assert.match(api, /^[a-z0-9-]+$/)
        }
      }
    },
    work: text =>
      outcomeOf(() =>
        readOriginalRequest('GET', text, { 'x-original-method': 'POST', 'x-original-uri': text }),
      ),
  },
  {
    name: 'the form of a refusal',
    scraps: [...scraps, '_format=', 'application/fhir+xml', 'xml', '&', '?', '%'],
    samples: ['application/fhir+xml', '/Patient?_format=xml', '*/*', 'text/html;q=0.9'],
    read(text) {
      for (const outcome of [
        buildOutcome('internal', text, '/x'),
        buildOutcome('internal', undefined, `/x?${text}`),
      ]) {
        assertPrintable(outcome.contentType, 'the type')
        if (/json/.test(outcome.contentType)) JSON.parse(outcome.body)
      }
    },
    work: text => [
      buildOutcome('internal', text, '/x'),
      buildOutcome('internal', undefined, `/x?${text}`),
    ],
  },
  {
    name: 'Link as it is written',
    scraps: [...scraps, '<', '>', 'https://a/'],
    samples: ['https://a.example/x', 'javascript:x', 'a>;rel=preload'],
    read(text) {
      const header = buildLinkHeader([{ url: text, rel: 'help' }])
      if (header !== undefined) assert.match(header, /^<[^<>\s"]*>; rel="help"$/)
    },
    work: text => buildLinkHeader([{ url: text, rel: 'help' }]),
  },
  {
    name: 'traces of a token',
    scraps: [
      ...scraps,
      TOKEN.slice(0, 12),
      TOKEN,
      '%61',
      '\\u0061',
      Buffer.from(TOKEN).toString('base64'),
      Buffer.from(TOKEN).toString('hex'),
    ],
    samples: [
      TOKEN,
      `x${TOKEN}y`,
      encodeURIComponent(TOKEN),
      Buffer.from(TOKEN).toString('base64'),
    ],
    read(text) {
      assert.ok(!text.includes(TOKEN) || showsToken(text, traces), 'a token passes')
      assert.ok(showsToken(text + TOKEN, traces), 'a token behind it passes')
    },
    work: text => showsToken(text, traces),
  },
]

function isByteString(text: string): boolean {
  return /^[\x21-\x7e\x80-\xff]*$/.test(text)
}
