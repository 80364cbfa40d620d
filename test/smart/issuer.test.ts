import assert from 'node:assert/strict'
import dns from 'node:dns'
import { test } from 'node:test'
import fc from 'fast-check'
import { BrokerError } from '../../src/errors.ts'
import {
  canonicalIssuer,
  findRegistration,
  isLoopbackHost,
  isRegistrableIssuer,
  requireRegistration,
} from '../../src/smart/issuer.ts'
import { buildRegistration } from './registration.ts'

const registrations = [
  buildRegistration({ id: 'r4', iss: 'https://ehr.example/fhir/r4' }),
  buildRegistration({ id: 'dstu2', iss: 'https://ehr.example/fhir/dstu2/' }),
  buildRegistration({ id: 'meditech', iss: 'https://meditech.example:443/v2/' }),
  buildRegistration({ id: 'port', iss: 'https://ehr.example:8443' }),
  buildRegistration({ id: 'sandbox', iss: 'http://127.0.0.1:5001/fhir' }),
  buildRegistration({ id: 'patients', iss: 'https://shared.example/fhir' }),
  buildRegistration({ id: 'clinicians', iss: 'https://SHARED.example/fhir/' }),
]

function found(iss: string): string {
  const result = findRegistration(registrations, iss)
  if (result.found === 'one') return result.registration.id
  return result.found
}

test('[L11] finds a registration by host case, default port and one trailing slash alone', () => {
  for (const [iss, id] of [
    ['https://ehr.example/fhir/r4', 'r4'],
    ['https://ehr.example/fhir/r4/', 'r4'],
    ['https://EHR.Example/fhir/r4', 'r4'],
    ['https://ehr.example:443/fhir/r4', 'r4'],
    ['https://eHr.example:443/fhir/r4/', 'r4'],
    ['https://ehr.example/fhir/dstu2', 'dstu2'],
    ['https://meditech.example/v2', 'meditech'],
    ['https://ehr.example:8443/', 'port'],
    ['http://127.0.0.1:5001/fhir/', 'sandbox'],
  ] as const) {
    assert.equal(found(iss), id, iss)
  }
})

test('[L11, L12] takes every look-alike for an unknown issuer', () => {
  const lookAlikes = [
    ...[
      'https://ehr.example/fhir/R4',
      'https://ehr.example/fhir/r4//',
      'https://ehr.example//fhir/r4',
    ],
    ...[
      'https://ehr.example./fhir/r4',
      'https://ehr.example:8443/fhir/r4',
      'HTTPS://ehr.example/fhir/r4',
    ],
    ...[
      'http://ehr.example/fhir/r4',
      'http://ehr.example:443/fhir/r4',
      'https://ehr.example:80/fhir/r4',
    ],
    ...[
      'https://ehr.example:0443/fhir/r4',
      'https://ehr.example:/fhir/r4',
      'https:ehr.example/fhir/r4',
    ],
    ...['https:/ehr.example/fhir/r4', 'https:///ehr.example/fhir/r4', '//ehr.example/fhir/r4'],
    ...['https://ehr.example@evil.test/fhir/r4', 'https://user@ehr.example/fhir/r4'],
    ...['https://user:pass@ehr.example/fhir/r4', 'https://@ehr.example/fhir/r4'],
    ...['https://ehr.example\\@evil.test/fhir/r4', 'https://ehr.example\\fhir\\r4'],
    ...[
      'https://evil.test#@ehr.example/fhir/r4',
      'https://ehr.example/fhir/r4#',
      'https://ehr.example/fhir/r4#x',
    ],
    ...[
      'https://ehr.example/fhir/r4?',
      'https://ehr.example/fhir/r4?x=1',
      'https://ehr.example?/fhir/r4',
    ],
    ...[
      'https://ehr.example/fhir/./r4',
      'https://ehr.example/fhir/r5/../r4',
      'https://ehr.example/fhir/r4/.',
    ],
    ...[
      'https://ehr.example/fhir/%2e/r4',
      'https://ehr.example/fhir/%72%34',
      'https://ehr.example/fhir%2fr4',
    ],
    ...[
      'https://%65hr.example/fhir/r4',
      'https://ehr%2eexample/fhir/r4',
      'https://ehr.example/fhir/r4%20',
    ],
    ...[
      'https://еhr.example/fhir/r4',
      'https://xn--hr-hlc.example/fhir/r4',
      'https://ehr。example/fhir/r4',
    ],
    ...[
      'https://ehr.example/fhir/r4 ',
      ' https://ehr.example/fhir/r4',
      '\thttps://ehr.example/fhir/r4',
    ],
    ...[
      'https://ehr.\nexample/fhir/r4',
      'https://ehr.example/fh\tir/r4',
      'https://ehr.example/fhir/r4\r\n',
    ],
    ...[
      'https://ehr.example/fhir/r4\0',
      'https://ehr.example/fhir/r4\u200b',
      'https://ehr.example/fhir/r4;x',
    ],
    ...[
      'https://ehr.example.evil.test/fhir/r4',
      'https://ehr.example/fhir/r4.evil.test',
      'https://ehr.example/fhir/r',
    ],
    ...[
      'https://evil.test/https://ehr.example/fhir/r4',
      'https://ehr.example/fhir/r4x',
      'https://aehr.example/fhir/r4',
    ],
    ...[
      '',
      '/',
      'https://',
      'https:///',
      'ehr.example/fhir/r4',
      'javascript:alert(1)',
      'general',
      'r4',
    ],
    ...[`https://ehr.example/fhir/r4${'/'.repeat(5000)}`, `https://${'a'.repeat(4000)}/`],
  ]
  for (const iss of lookAlikes) assert.equal(found(iss), 'none', iss.slice(0, 100))
})

test('[L3] takes numeric and Unicode spellings of a registered address for unknown', () => {
  for (const host of [
    ...['2130706433', '0x7f.1', '0177.0.0.1', '127.1', '127.0.0.1.', '①②⑦.⓪.⓪.①', '[::1]'],
    ...[
      'localhost',
      '[::ffff:127.0.0.1]',
      '127.0.0.01',
      '0x7f000001',
      '127。0。0。1',
      '%31%32%37.0.0.1',
    ],
  ]) {
    assert.equal(found(`http://${host}:5001/fhir`), 'none', host)
  }
})

test('[L1] refuses an unknown issuer without any name look-up', t => {
  const lookup = t.mock.method(dns, 'lookup', () => assert.fail('a name was looked up'))
  for (const iss of ['https://evil.test/fhir', 'http://169.254.169.254/', 'x']) {
    assert.throws(() => requireRegistration(registrations, iss), {
      code: 'unknown_issuer',
      status: 400,
    })
  }
  assert.equal(requireRegistration(registrations, 'https://ehr.example/fhir/r4').id, 'r4')
  assert.equal(lookup.mock.callCount(), 0)
})

test('tells that several registrations share an issuer, and refuses to choose', () => {
  const result = findRegistration(registrations, 'https://shared.example/fhir')
  assert.equal(result.found, 'several')
  assert.deepEqual(result.found === 'several' && result.registrations.map(({ id }) => id), [
    'patients',
    'clinicians',
  ])
  assert.throws(
    () => requireRegistration(registrations, 'https://shared.example/fhir/'),
    (error: unknown) => error instanceof BrokerError && error.code === 'ambiguous_issuer',
  )
})

test('[L11] makes two issuers equal only when a URL parser would send both to one place', () => {
  const path = fc.array(fc.stringMatching(/^[A-Za-z0-9._~%-]{0,6}$/), { maxLength: 3 })
  const issuer = fc
    .tuple(
      fc.constantFrom('https', 'http', 'HTTP'),
      fc.domain(),
      fc.constantFrom('', ':443', ':80', ':8443'),
      path,
    )
    .map(([scheme, host, port, segments]) => [`${scheme}://${host}${port}`, ...segments].join('/'))
  fc.assert(
    fc.property(issuer, issuer, (one, other) => {
      const canonical = canonicalIssuer(one)
      if (canonical === undefined) return
      assert.equal(canonicalIssuer(`${canonical}/`), canonical)
      assert.equal(new URL(canonical).origin, new URL(one).origin)
      if (canonicalIssuer(other) === canonical) {
        const [first, second] = [one, other].map(text => new URL(text).href.replace(/\/$/, ''))
        assert.equal(first, second)
      }
    }),
  )
})

test('[L14] takes no issuer of more than two thousand characters', () => {
  const long = `https://ehr.example/${'a'.repeat(2028)}`
  assert.equal(canonicalIssuer(long), long)
  assert.equal(canonicalIssuer(`${long}a`), undefined)
})

test('[L11] never throws, whatever the text', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.webUrl()), text => {
      const canonical = canonicalIssuer(text)
      if (canonical !== undefined) assert.ok(URL.canParse(canonical))
    }),
  )
})

test('[L10, L11] lets only plain https addresses be registered, and http on this machine', () => {
  for (const iss of [
    ...['https://ehr.example/fhir/r4', 'https://ehr.example', 'https://ehr.example:443/fhir/'],
    ...['https://EHR.example/api/FHIR/R4/', 'https://10.1.2.3/fhir', 'https://[2606:4700::1]/fhir'],
    ...['http://127.0.0.1:5001/fhir', 'http://localhost:5001/', 'http://[::1]:5001/fhir'],
    'https://ehr.example/a%20b/@/fhir',
  ]) {
    assert.equal(isRegistrableIssuer(iss), true, iss)
  }
  for (const iss of [
    ...[
      'http://ehr.example/fhir',
      'http://10.0.0.1/fhir',
      'http://127.0.0.2/fhir',
      'ftp://ehr.example/',
    ],
    ...[
      'https://user@ehr.example/fhir',
      'https://ehr.example/fhir?x',
      'https://ehr.example/fhir#x',
    ],
    ...[
      'https://2130706433/fhir',
      'https://0x7f.1/fhir',
      'https://127.1/',
      'https://ehr.example/../fhir',
    ],
    ...[
      'https://ehr.example/%2e%2e/fhir',
      'https://ehr.example/fhir\\x',
      'https://[::ffff:127.0.0.1]/',
    ],
    ...['https://ehr.example:99999/', 'ehr.example', '', 'https://ехр.example/'],
  ]) {
    assert.equal(isRegistrableIssuer(iss), false, iss)
  }
})

test('counts three spellings of this machine as such, and nothing else', () => {
  for (const host of ['localhost', '127.0.0.1', '[::1]']) assert.ok(isLoopbackHost(host))
  for (const host of ['127.0.0.2', '::1', 'localhost.', 'localhost.evil.test', '']) {
    assert.ok(!isLoopbackHost(host))
  }
})
