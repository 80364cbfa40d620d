import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parse } from 'yaml'
import { ehrSchema } from '../../../program/config/schema.ts'
import { BrokerError, faultCodes } from '../../../src/errors.ts'
import { lintScopes } from '../../../src/smart/scope/scope-lint.ts'
import { buildDiscoveryReport } from '../../../src/smart/survey/report.ts'
import type { Survey } from '../../../src/smart/survey/survey.ts'
import type { AuthorizationServer } from '../../../src/smart/types.ts'
import { buildServer } from '../server.ts'

const iss = 'https://ehr.test:8443/fhir,a/r4/'

function report(changes: Partial<AuthorizationServer>, origins: readonly string[] = []): string {
  const asked = [{ url: `${iss}.well-known/smart-configuration`, answer: '200' }]
  const outcome = { usable: true, server: buildServer(changes) } as const
  return buildDiscoveryReport({ iss, asked, origins, outcome }).join('\n')
}

/** The registration of a report, as the configuration would read it once a secret is there. */
function registrationIn(text: string) {
  const block = text.slice(text.indexOf('Registration\n') + 'Registration\n'.length)
  return ehrSchema.parse(parse(block)[0])
}

test('prints a registration that the configuration accepts', () => {
  const server = {
    issuer: 'https://id.test/tenant,1',
    issuerAnnounced: true,
    jwksUri: 'https://login.test/keys',
    issParameterSupported: true,
    capabilities: ['permission-v1', 'permission-v2', 'permission-offline', 'authorize-post'],
    tokenEndpointAuthMethods: ['client_secret_basic', 'private_key_jwt'],
    tokenEndpointAuthSigningAlgs: ['RS384'],
  }
  const registration = registrationIn(report(server, ['https://login.test']))
  assert.equal(registration.iss, iss)
  assert.equal(registration.id, 'ehr-fhir-a')
  assert.deepEqual(registration.clientAuth, { method: 'private_key_jwt', alg: 'RS384' })
  assert.equal(
    registration.scope,
    'launch launch/patient openid fhirUser patient/Patient.rs offline_access',
  )
  assert.deepEqual(registration.origins, ['https://login.test'])
  assert.deepEqual(registration.issuers, ['https://id.test/tenant,1'])
  assert.equal(registration.idToken, 'verify')
  assert.equal(registration.redirectPath, '/redirect/ehr-fhir-a')
  assert.deepEqual(registration.quirks, {})
})

test('prints what an old server needs: no identity, the older scopes, a redirect URI of its own', () => {
  const old = { source: 'metadata', jwksUri: undefined, issuerAnnounced: false } as const
  const registration = registrationIn(report({ ...old, issParameterSupported: false }))
  assert.equal(registration.idToken, 'ignore')
  assert.equal(registration.scope, 'launch launch/patient patient/Patient.rs')
  assert.deepEqual(registration.quirks, { scopeVersion: 'v1' })
  assert.equal(registration.redirectPath, '/redirect/ehr-fhir-a')
  assert.equal(registration.clientAuth.method, 'client_secret_basic')
})

test('[Q42] the entry says how the EHR was reached, whose it is, and nothing that check advises against', () => {
  const at = (base: string, network?: Survey['network'], changes = {}) => {
    const outcome = { usable: true, server: buildServer(changes) } as const
    const survey = { iss: base, asked: [], origins: [], network, outcome }
    return registrationIn(buildDiscoveryReport(survey).join('\n'))
  }
  const inside = at('https://fhir.hospital.test/r4', { reach: 'private', caFile: '/etc/a b.pem' })
  assert.deepEqual([inside.network, inside.caFile], ['private', '/etc/a b.pem'])
  assert.equal(at('https://fhir.hospital.test/r4').network, 'public')

  const keys = {
    tokenEndpointAuthMethods: ['private_key_jwt'],
    tokenEndpointAuthSigningAlgs: undefined,
  }
  const healow = at('https://fhir4.healow.com/fhir/r4/ABCDEF', undefined, keys)
  assert.deepEqual(
    [healow.preset, healow.id, healow.clientAuth],
    ['eclinicalworks', 'healow-abcdef', { method: 'private_key_jwt', alg: 'RS384' }],
  )
  assert.equal(at('https://fhir.evilcerner.com/r4').preset, undefined)
  assert.equal(at('https://fhir-ehr-code.cerner.com/r4/ec2458f2').preset, 'oracle')

  const ids = [
    ...['https://fhir.hospital.test/r4', 'https://fhir4.clinic.test/api/FHIR/R4'],
    ...['https://fhir4.healow.com/fhir/r4/AAAA', 'https://fhir4.healow.com/fhir/r4/BBBB'],
    ...['https://fhir.epic.com/interconnect-amcurprd-oauth/api/FHIR/R4', 'https://10.0.0.7/fhir'],
  ].map(base => at(base).id)
  assert.equal(new Set(ids).size, ids.length, `${ids}`)
  for (const capabilities of [
    [],
    ['permission-offline'],
    ['permission-offline', 'permission-online'],
  ]) {
    for (const jwksUri of [undefined, 'https://ehr.test/keys']) {
      const { scope } = at(iss, undefined, { capabilities, jwksUri })
      assert.deepEqual(lintScopes(scope, capabilities), [], scope)
    }
  }
})

test('says what would be used and why', () => {
  for (const [server, expected] of [
    [{ tokenEndpointAuthMethods: ['client_secret_post'] }, /client_secret_post \(the only method/],
    [{ tokenEndpointAuthMethods: ['client_secret_basic'] }, /client_secret_basic \(listed\)/],
    [{ tokenEndpointAuthMethods: undefined }, /client_secret_basic \(the default/],
    [{ capabilities: ['authorize-post'] }, /as a form when it is long/],
    [{ pushedAuthorizationRequestEndpoint: 'https://ehr.test/par' }, /pushed \(PAR\)/],
    [{ issParameterSupported: true }, /required \(RFC 9207\)/],
    [{ revocationEndpoint: 'https://ehr.test/revoke' }, /revocation of tokens at logout/],
    [
      { warnings: ['capabilities is missing'] },
      /Worth knowing\n(.*\n)* {2}capabilities is missing/,
    ],
  ] as const) {
    assert.match(report(server), expected)
  }
})

test('[AL-05] hands nothing to the terminal that it would obey', () => {
  const text = report({
    capabilities: ['\u001b[2Jlaunch\r\nehr', '\u202e'],
    warnings: ['a\u0007b'],
  })
  assert.match(text, /\?\[2Jlaunch\?\?ehr, \?/)
  assert.doesNotMatch(text, /[^\n -~]/)
})

test('tells a refusal by its code and its detail, with a hint where there is one', () => {
  for (const code of faultCodes) {
    const error = new BrokerError(code, { detail: 'token_endpoint lies on https://login.test' })
    const survey: Survey = { iss, asked: [], origins: [], outcome: { usable: false, error } }
    const text = buildDiscoveryReport(survey).join('\n')
    assert.match(text, new RegExp(`Not usable\n  ${code}: .*\n  token_endpoint lies on`))
    assert.doesNotMatch(text, /Registration/)
  }
})

test('gives a hint that fits the refusal, and no other', () => {
  for (const [detail, expected] of [
    ['ADDRESS_REFUSED', /--private/],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', /--ca FILE/],
    ['CERT_HAS_EXPIRED', /--ca FILE/],
    ['ECONNREFUSED', /ECONNREFUSED$/],
  ] as const) {
    const error = new BrokerError('issuer_unreachable', { detail })
    const refused: Survey = { iss, asked: [], origins: [], outcome: { usable: false, error } }
    assert.match(buildDiscoveryReport(refused).join('\n'), expected)
  }
})
