// What strangers, browsers and EHRs send is read in steps proportional to it: one row for each reader,
// on the input that would cost it most.

import { test } from 'node:test'
import { createEventReader } from '../client/server-events.ts'
import { buildCookieNames, readCookie } from '../src/browser/cookies.ts'
import { readHost, verifyCaller } from '../src/browser/guard.ts'
import { parseReturnTo } from '../src/browser/return-to.ts'
import { BrokerError } from '../src/errors.ts'
import { buildLinkHeader } from '../src/link.ts'
import { buildEhrAddress } from '../src/proxy/ehr-address.ts'
import { buildRequestHeaders } from '../src/proxy/headers.ts'
import { rewriteLinks, toOwnAddress } from '../src/proxy/location.ts'
import { parseMediaType } from '../src/proxy/media-type.ts'
import { buildOutcome } from '../src/proxy/outcome.ts'
import { createJsonRewriting, rewriteJson } from '../src/proxy/rewrite-json.ts'
import { createXmlRewriting } from '../src/proxy/rewrite-xml.ts'
import { createParameterJudge, parseTarget } from '../src/proxy/target.ts'
import { buildTokenTraces, showsToken } from '../src/proxy/token-traces.ts'
import { parseAuthorizationDetails } from '../src/smart/context/authorization-details.ts'
import { parseFhirContext } from '../src/smart/context/fhir-context.ts'
import { parseText } from '../src/smart/context/member.ts'
import { parseCapabilityStatement } from '../src/smart/discovery/capability-statement.ts'
import { parseSmartConfiguration } from '../src/smart/discovery/smart-configuration.ts'
import { resolveFhirUser } from '../src/smart/identity/fhir-user.ts'
import { readAddress } from '../src/smart/identity/logout-token.ts'
import { canonicalIssuer } from '../src/smart/issuer.ts'
import { parseCallbackQuery } from '../src/smart/launch/callback.ts'
import { strictQuirks } from '../src/smart/quirks.ts'
import { parseScope, splitScope } from '../src/smart/scope/scope.ts'
import { missingScopes } from '../src/smart/scope/scope-set.ts'
import { parseTokenResponse } from '../src/smart/token/token-response.ts'
import { assertLinear } from './work/steps.ts'

const base = 'https://ehr.example.org/fhir/r4'
const ours = 'https://app.example.org/sessions/AAAAAAAAAAAAAAAAAAAAAA/fhir'
const names = buildCookieNames(true)
const addresses = {
  bases: [{ origin: 'https://ehr.example.org', path: '/fhir/r4' }],
  asked: `${base}/Patient/1`,
  ours,
}
const pins = {
  ...{ id: 'general', iss: base, origins: ['https://ehr.example.org'], issuers: [] },
  ...{ scope: 'openid', idToken: 'verify' as const },
}
const plan = {
  target: { path: '/Patient', query: '' },
  authorization: 'Bearer x',
  acceptEncoding: 'any' as const,
  whose: undefined,
}
const needle = buildEhrAddress([base])
const rewritten = { ours, asked: `${base}/Patient` }
const traces = buildTokenTraces('a'.repeat(40))

const repeat = (text: string) => (size: number) => text.repeat(size)
const list = (print: (i: number) => string) => (size: number) =>
  Array.from({ length: size }, (_, i) => print(i)).join('')
const id = (i: number) => i.toString(36).padStart(22, 'A')
const cut = (text: string) =>
  Array.from({ length: Math.ceil(text.length / 16) }, (_, i) => text.slice(16 * i, 16 * i + 16))
const inPieces = (text: string) => {
  const rewriting = createJsonRewriting(needle, rewritten)
  for (const piece of cut(text)) rewriting.push(piece)
  rewriting.end()
}
const eventsInPieces = (text: string) => {
  const read = createEventReader()
  for (const piece of cut(text)) read(piece)
}

type Row = [reader: (text: string) => unknown, input: (size: number) => string]

const rows: Record<string, Row> = {
  'cookies: one among many': [text => readCookie(text, '__Host-a'), repeat('__Host-a; ')],
  'cookies: spaces': [text => readCookie(text, '__Host-a'), repeat(' ')],
  'cookies: tickets': [text => names.tickets(text), list(i => `${names.ticket(id(i))}=x; `)],
  'cookies: one ticket many times': [
    text => names.tickets(text),
    repeat(`${names.ticket(id(0))}=x;`),
  ],
  'Host, many times': [text => readHost(text.split(',')), repeat('Host,b,')],
  'Origin and Sec-Fetch-Site': [
    text =>
      verifyCaller(
        'GET',
        { origin: text, 'sec-fetch-site': text },
        { origins: new Set(), embedded: false },
      ),
    repeat('https://a'),
  ],
  return_to: [text => parseReturnTo(text, { origin: 'https://a.b', returnTo: '/' }), repeat('/a')],
  callback: [parseCallbackQuery, repeat('a&')],
  issuer: [canonicalIssuer, repeat('https://a/')],
  'Accept of a refusal': [text => buildOutcome('internal', text, '/x'), repeat('a;q=1,')],
  '_format of a refusal': [
    text => buildOutcome('internal', undefined, `/x?${text}`),
    repeat('_format&'),
  ],
  Accept: [text => buildRequestHeaders({ accept: text }, plan), repeat('text/html,')],
  'If-None-Match': [text => buildRequestHeaders({ 'if-none-match': text }, plan), repeat('"a",')],
  'media type: parameters': [parseMediaType, size => `a/b${'; a=b'.repeat(size)}`],
  'media type: quotes': [parseMediaType, size => `a/b; a="${'='.repeat(size)}`],
  path: [text => parseTarget(text, ''), repeat('/a.%41')],
  query: [text => parseTarget(`?${text}`, ''), repeat('a%41&')],
  parameters: [text => createParameterJudge()(text), repeat('a&')],
  Location: [text => toOwnAddress(text, addresses), repeat('../')],
  'Link: targets': [text => rewriteLinks(text, addresses), repeat(`<${base}>; rel="next", `)],
  'Link: parameters': [text => rewriteLinks(text, addresses), size => `<a>${'; a=b'.repeat(size)}`],
  'Link: quotes': [text => rewriteLinks(text, addresses), repeat('<a>;a="')],
  'Link: brackets': [text => rewriteLinks(text, addresses), repeat('<')],
  'Link: spaces': [text => rewriteLinks(text, addresses), size => `<a>${' '.repeat(size)}`],
  XML: [
    text => {
      const rewriting = createXmlRewriting(needle, rewritten)
      for (const piece of cut(text)) rewriting.push(piece)
      rewriting.end()
    },
    repeat(`<url a='' value='${base}'`),
  ],
  'JSON: spaces behind a name': [inPieces, size => `{"url"${' '.repeat(size)}:"${base}"}`],
  'JSON: spaces before addresses': [
    text => rewriteJson(text, needle, rewritten),
    repeat(`"url":        "${base}/",`),
  ],
  'JSON: names': [inPieces, repeat('"url":"')],
  'JSON: escapes in a string': [inPieces, size => `{"url":"h${'\\\\'.repeat(size)}`],
  'JSON: containers': [inPieces, repeat('{"a":[')],
  'JSON: an address without end': [inPieces, size => `{"url":"${base}?${'a'.repeat(size)}`],
  'JSON: addresses that climb': [inPieces, repeat(`{"url":"${base}/../x/${'../'.repeat(200)}"},`)],
  'JSON: addresses': [inPieces, repeat(`"${base}`)],
  'JSON: escapes': [inPieces, size => `{"url":"${'\\'.repeat(size)}`],
  'JSON: quotes': [inPieces, repeat('"')],
  'scope: many': [splitScope, list(i => `patient/A.rs?a=${i} `)],
  'scope: long': [parseScope, size => `patient/A.rs?${'a=b&'.repeat(size)}`],
  'scope: granted': [
    text => missingScopes('launch openid patient/*.cruds?a=b user/B.rs', text),
    list(i => `patient/A.rs?a=${i} `),
  ],
  'logout token': [
    readAddress,
    size =>
      `a.${Buffer.from(`{"iss":"x","aud":[${'"x",'.repeat(size)}"x"]}`).toString('base64url')}.a`,
  ],
  fhirUser: [text => resolveFhirUser({ fhirUser: text }, base), repeat('https://a/Patient/1')],
  text: [text => parseText(text, 1 << 20), repeat('é')],
  fhirContext: [text => parseFhirContext(text.split(' ')), repeat('Patient/1 ')],
  authorization_details: [
    text => parseAuthorizationDetails([{ type: 'smart_on_fhir', locations: text.split(' ') }]),
    repeat('https://ehr.example.org '),
  ],
  'smart-configuration': [
    text =>
      parseSmartConfiguration(
        {
          authorization_endpoint: `${base}/authorize`,
          token_endpoint: `${base}/token`,
          capabilities: text.split(' '),
          associated_endpoints: text.split(' ').map(url => ({ url })),
        },
        { ...pins, idToken: 'ignore' },
      ),
    repeat('a '),
  ],
  'token answer': [
    text =>
      parseTokenResponse(
        {
          status: 200,
          document: {
            kind: 'object',
            object: { access_token: 'a', token_type: 'Bearer', scope: text },
          },
        },
        strictQuirks,
      ),
    list(i => `patient/A.rs?a=${i} `),
  ],
  Link: [text => buildLinkHeader([{ url: text, rel: 'help' }]), repeat('<>"')],
  'traces of a token': [text => showsToken(text, traces), repeat('\\u0061%41')],
  'events of a stream: a line without end': [eventsInPieces, size => `data: ${'a'.repeat(size)}`],
  'events of a stream: an event of many lines': [eventsInPieces, repeat('data: a\n')],
  statement: [
    text => parseCapabilityStatement(JSON.parse(text), pins),
    size =>
      JSON.stringify({
        resourceType: 'CapabilityStatement',
        rest: Array.from({ length: size }, () => ({
          security: { extension: [{ url: 'x', extension: [{ url: 'authorize' }] }] },
        })),
      }),
  ],
}

for (const [name, [read, build]] of Object.entries(rows)) {
  test(`[DS10] ${name}: the work grows no faster than the input`, () => {
    assertLinear(size => refuseOrRead(() => read(build(size))), 200, name)
  })
}

// Whatever is repeated: pumps put together from what these grammars are made of.
const scraps = [
  ...[
    ' ',
    ';',
    ',',
    '=',
    '&',
    '"',
    "'",
    '\\',
    '<',
    '>',
    '/',
    '.',
    '?',
    '#',
    '%41',
    '%',
    '\t',
    'a',
    '1',
  ],
  ...['https://ehr.example.org/fhir/r4', 'rel="next"', '"url":"', '; q=0.1', 'patient/A.rs ', '..'],
  ...['__Host-fhirstorm-AAAAAAAAAAAAAAAAAAAAAA=', 'iss=', 'code=a&', '_format=json', 'text/html'],
]
const pumps = Array.from({ length: 12 }, (_, i) =>
  [7, 11, 17]
    .slice(0, 1 + (i % 3))
    .map(step => scraps[(i * step + step) % scraps.length])
    .join(''),
)

test('[DS10] whatever is repeated, no reader takes more steps than in proportion to it', () => {
  const readers = new Map(Object.entries(rows).map(([name, [read]]) => [read, name]))
  for (const [read, name] of readers) {
    for (const pump of pumps) {
      const input = (size: number) => pump.repeat(Math.ceil(size / pump.length))
      assertLinear(size => refuseOrRead(() => read(input(size))), 200, `${name}: ${pump}`)
    }
  }
})

function refuseOrRead(read: () => unknown): void {
  try {
    read()
  } catch (error) {
    if (!(error instanceof BrokerError || error instanceof SyntaxError)) throw error
  }
}
