import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  buildUpstreamPath,
  isBase,
  isBinary,
  isRelativePath,
  isTarget,
  parseTarget,
  parseUpstreamBase,
} from '../../src/proxy/target.ts'
import { refusalOf } from './refusal.ts'

const mount = '/bff/sessions/AAAAAAAAAAAAAAAAAAAAAA/fhir'
const base = parseUpstreamBase('https://ehr.example.org/fhir/r4')
const ask = (rest: string) => buildUpstreamPath(base, parseTarget(mount + rest, mount))

test('what FHIR asks for reaches the EHR byte for byte', () => {
  const asked = [
    ...['', '/', '/Patient', '/Patient/1', '/Patient/1/', '/Patient/1/_history/2', '/metadata'],
    ...['/Patient/_search', '/Patient/1/$everything', '/$export', '/Patient/%24everything'],
    ...['/Binary/a.b-c_d', "/Patient/a~b!c'd(e)f*g+h,i=j@k", '/Group/1/$x:y', '/a%20b%7Cc'],
    ...['/_history?_count=10', '/Patient?', '/Observation?code=http://loinc.org|8867-4'],
    ...[
      '/Patient?name=M%C3%BCller&birthdate=ge1970-01-01',
      '/Patient?name=a\\,b',
      '/Patient?_has:Observation:patient:code=1',
    ],
    ...[
      '/Patient?_format=json',
      '/Patient?_format=application/fhir+json',
      '/Patient?_format=application%2Ffhir%2Bxml',
    ],
    ...[
      '/Patient?_format=application/fhir%2Bjson%3B%20fhirVersion%3D4.0',
      '/Patient?_format=ndjson',
      '/Patient?_format=application/json%2Bfhir',
    ],
    ...[
      '/$graphql?query={Patient(id:%221%22){name{family}}}',
      '/$graphql?query=%7B%0A%09id%0A%7D',
      '/Patient?_pretty=true',
    ],
    ...['/Patient?_formatted=html', '/Patient?x_format=html', '/Patient?a=_format=html'],
  ]
  for (const rest of asked) assert.equal(ask(rest), `/fhir/r4${rest.replace(/\?$/, '')}`)
})

test('a base that is the root of its host, or has a trailing slash', () => {
  const target = (rest: string) => parseTarget(mount + rest, mount)
  const root = parseUpstreamBase('https://ehr.example.org')
  assert.equal(buildUpstreamPath(root, target('')), '/')
  assert.equal(buildUpstreamPath(root, target('?a=b')), '/?a=b')
  assert.equal(buildUpstreamPath(root, target('/Patient')), '/Patient')
  const slashed = parseUpstreamBase('https://EHR.example.org:443/fhir/r4/')
  assert.equal(slashed.origin, 'https://ehr.example.org')
  assert.equal(buildUpstreamPath(slashed, target('/Patient')), '/fhir/r4/Patient')
})

const climbing = [
  ...['/..', '/../x', '/./x', '/.', '/...', '/Patient/..', '/Patient/../../x', '/Patient/..?a=b'],
  ...['/%2e%2e/x', '/%2E%2E/x', '/.%2e/x', '/%2e/x', '/..%2fx', '/..%2Fx', '/%2fx', '/a%2fb'],
  ...[
    '/%252e%252e/x',
    '/%25%32%65',
    '/..\\x',
    '/\\x',
    '/%5cx',
    '/%5Cx',
    '/..;/x',
    '/x;y',
    '/x%3by',
    '/x%3By',
  ],
  ...['/.%09./x', '/.\t./x', '/..%00/x', '/%c0%ae%c0%ae/x', '/%e0%80%ae/x', '/%uff0e/x', '/．．/x'],
]
const elsewhere = [
  ...[
    '//evil.example/x',
    '/\\evil.example',
    '//',
    '/Patient//1',
    '/http://evil.example/',
    '/http:evil',
  ],
  ...[
    '/https:/evil.example',
    '/urn:uuid:1',
    '/x:y',
    '@evil.example/x',
    ':80/x',
    '.evil.example/x',
    'x',
  ],
]
const malformed = [
  ...[
    '/a#b',
    '/a%23b',
    '/a%3fb',
    '/a%3Fb',
    '/a%00',
    '/a%0d%0ab',
    '/a%0Ab',
    '/a%1fb',
    '/a%7fb',
    '/a%',
    '/a%4',
  ],
  ...[
    '/a%zz',
    '/a b',
    '/a\u0000',
    '/é',
    '/%C3%A9',
    '/a|b',
    '/a"b',
    '/a<b',
    '/a^b',
    '/a`b',
    '/a{b}',
    '/a[b]',
    '/a\x7f',
  ],
]

test('[P1] nothing climbs out of the base', () => {
  for (const rest of climbing)
    assert.equal(
      refusalOf(() => ask(rest)),
      'path_invalid',
      rest,
    )
})

test('[P3] nothing names another host', () => {
  for (const rest of elsewhere)
    assert.equal(
      refusalOf(() => ask(rest)),
      'path_invalid',
      rest,
    )
})

test('[P5] nothing that parsers disagree about crosses', () => {
  for (const rest of malformed)
    assert.equal(
      refusalOf(() => ask(rest)),
      'path_invalid',
      rest,
    )
  const queries = [
    '?a=b#c',
    '?a=%00',
    '?a=%0d%0ab',
    '?a=%0D',
    '?a=%1b',
    '?a=%7f',
    '?a=%',
    '?a=%g1',
    '?a b',
    '?a=é',
    '?a=<b>',
    '?a="b"',
    '?a=\u0000',
  ]
  for (const query of queries)
    assert.equal(
      refusalOf(() => ask(`/x${query}`)),
      'query_invalid',
      query,
    )
  assert.equal(
    refusalOf(() => ask(`/x?a=${'b'.repeat(9000)}`)),
    'uri_too_long',
  )
  assert.equal(
    refusalOf(() => ask(`/${'b'.repeat(20_000)}`)),
    'uri_too_long',
  )
})

test('[P2, P4] a target that is not written like our path is refused, however it was routed', () => {
  const targets = [
    ...[
      '/bff/sessions/AAAAAAAAAAAAAAAAAAAAAA/%66hir/Patient',
      '/bff/%73essions/AAAAAAAAAAAAAAAAAAAAAA/fhir',
    ],
    ...[
      `http://evil.example${mount}/Patient`,
      `https://app.example.org${mount}`,
      `/${mount}/x`,
      '*',
      '',
    ],
    ...['/BFF/sessions/AAAAAAAAAAAAAAAAAAAAAA/fhir', `${mount}X/Patient`, `${mount}%2fPatient`],
  ]
  for (const raw of targets)
    assert.equal(
      refusalOf(() => parseTarget(raw, mount)),
      'path_invalid',
      raw,
    )
})

test('[P10, P24] no method in disguise, and no format but FHIR, however it is written', () => {
  const formats = [
    ...[
      '_format=html',
      '_format=text/html',
      '_format=xhtml',
      '_format=application/xhtml%2Bxml',
      '_format=html/json',
    ],
    ...[
      '_format=',
      '_format',
      'a=b&_format=html',
      '%5Fformat=html',
      '_forma%74=html',
      '_FORMAT=html',
      '_format=json&_format=json',
    ],
    ...[
      '_format=json&%5f%66ormat=html',
      '_format=image/svg%2Bxml',
      '_format=text%2fhtml',
      '_format=application/javascript',
    ],
  ]
  for (const query of formats)
    assert.equal(
      refusalOf(() => ask(`/x?${query}`)),
      'format_refused',
      query,
    )
  for (const query of ['_method=DELETE', 'a=b&_METHOD=PUT', '%5fmethod=x']) {
    assert.equal(
      refusalOf(() => ask(`/x?${query}`)),
      'query_invalid',
      query,
    )
  }
})

test('[P1, P3, P14] whatever is asked, the result lies below the base of the session', () => {
  const piece = fc.oneof(
    fc.constantFrom(
      '/',
      '..',
      '.',
      '%2e',
      '%2f',
      '\\',
      ';',
      ':',
      '@',
      '?',
      '#',
      '%',
      '//',
      'Patient',
      '%25',
      '\t',
    ),
    fc.string({ maxLength: 4 }),
    fc.constantFrom(...climbing, ...elsewhere, ...malformed),
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 8 }), pieces => {
      const rest = pieces.join('')
      if (refusalOf(() => ask(rest)) !== undefined) return
      const path = ask(rest)
      const url = new URL(path, base.origin)
      assert.equal(url.origin, base.origin)
      assert.ok(url.pathname === '/fhir/r4' || url.pathname.startsWith('/fhir/r4/'), path)
      const decoded = decodeURIComponent(url.pathname)
      assert.ok(!/[\\;#?\0-\x1f]|\/\/|(?:^|\/)\.+(?:\/|$)/.test(decoded), decoded)
      assert.ok(/^[\x21-\x7e]+$/.test(path), 'undici accepts it')
    }),
    { numRuns: 20_000 },
  )
})

// RFC 3986 section 3.4: pchar, `/` and `?`. Escapes of control characters are refused (P5).
const QUERY_CHARACTERS = "ABCyz019-._~!$&'()*+,;=:@/?"
const queryUnit = fc.oneof(
  fc.constantFrom(...QUERY_CHARACTERS),
  fc
    .integer({ min: 0x20, max: 0xff })
    .filter(code => code !== 0x7f)
    .map(code => `%${code.toString(16).padStart(2, '0')}`),
)
const query = fc
  .array(queryUnit, { minLength: 1, maxLength: 60 })
  .map(units => units.join(''))
  .filter(text => !/_(?:format|method)/i.test(decodeURIComponent(text.replace(/%../g, '_'))))

test('[Q50] every character of a query crosses, further question marks included, byte for byte', () => {
  const asked = '/ValueSet/$expand?url=http://snomed.info/sct?fhir_vs=isa/404684003'
  assert.equal(ask(asked), `/fhir/r4${asked}`)
  fc.assert(
    fc.property(query, text => {
      assert.equal(ask(`/Patient?${text}`), `/fhir/r4/Patient?${text}`)
      assert.ok(isTarget(`/Patient?${text}`))
    }),
    { numRuns: 5000 },
  )
})

test('[Q50] what may become an address of ours is what is accepted when it comes back', () => {
  const rest = fc.oneof(
    fc.constantFrom(
      ...climbing,
      ...elsewhere,
      ...malformed,
      '//Patient/1',
      '?_format=html',
      '?a=%00',
    ),
    fc.tuple(fc.constantFrom('', '/', '/Patient', '/Binary/1', '//x'), query).map(p => p.join('?')),
    fc.string(),
    fc.constant(`/x?${'a'.repeat(8189)}`),
    fc.constant(`/x?${'a'.repeat(8190)}`),
  )
  fc.assert(
    fc.property(rest, text => {
      assert.equal(isTarget(text), refusalOf(() => ask(text)) === undefined, text)
    }),
    { numRuns: 5000 },
  )
})

test('[Q51] a base and a path that were joined with two slashes are read as joined with one', () => {
  const rows = [
    '/Patient/1',
    '/Patient',
    '/metadata',
    '/$export',
    '/_history?_count=1',
    '/Group/1/$x',
  ]
  for (const rest of rows) assert.equal(ask(`/${rest}`), `/fhir/r4${rest}`)
  for (const rest of ['//Patient..example/1', '///Patient', '//Patient//1', '//Evil.example/x']) {
    assert.equal(
      refusalOf(() => ask(rest)),
      'path_invalid',
      rest,
    )
  }
})

test('[P14] two sessions never share a result, however base and path are cut', () => {
  const [one, two] = ['https://a.example/fhir', 'https://b.example/fhir/x'].map(parseUpstreamBase)
  assert.ok(one && two)
  const joined = buildUpstreamPath(one, { path: '/x/Patient', query: '' })
  assert.equal(joined, buildUpstreamPath(two, { path: '/Patient', query: '' }))
  assert.notEqual(one.origin, two.origin)
})

test('[DS3] judging a long target takes no longer than its length', () => {
  for (const text of [
    '/a'.repeat(4000),
    `/${'%2'.repeat(3900)}`,
    `/${'a'.repeat(8000)} `,
    '/.'.repeat(4000),
  ]) {
    for (let i = 0; i < 100; i++) refusalOf(() => ask(text))
    for (let i = 0; i < 100; i++) refusalOf(() => ask(`/x?${text}`))
  }
})

test('files and the base are known by their path', () => {
  const target = (rest: string) => parseTarget(mount + rest, mount)
  for (const rest of ['/Binary', '/Binary/1', '/Binary/1/_history/1'])
    assert.ok(isBinary(target(rest)))
  for (const rest of ['/Binaryx', '/Patient/Binary', '/', '']) assert.ok(!isBinary(target(rest)))
  for (const rest of ['', '/', '?a=b', '/?a=b']) assert.ok(isBase(target(rest)))
  assert.ok(!isBase(target('/Patient')))
  assert.ok(
    isRelativePath('/Patient/1') && !isRelativePath('/../x') && !isRelativePath('https://x'),
  )
})
