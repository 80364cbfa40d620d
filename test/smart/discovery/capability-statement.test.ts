import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { BrokerError } from '../../../src/errors.ts'
import { parseCapabilityStatement } from '../../../src/smart/discovery/capability-statement.ts'
import { buildRegistration } from '../registration.ts'

const OAUTH_URIS = 'http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris'

const pins = buildRegistration({ origins: ['https://ehr.test', 'https://login.test'] })
const authorize = { url: 'authorize', valueUri: 'https://login.test/authorize' }
const token = { url: 'token', valueUri: 'https://login.test/token' }

function oauthUris(...extension: object[]) {
  return { url: OAUTH_URIS, extension }
}

function statement(...extension: object[]): Record<string, unknown> {
  const rest = [{ mode: 'server', security: { cors: true, extension } }]
  return { resourceType: 'CapabilityStatement', fhirVersion: '4.0.1', rest }
}

function endpoints(document: Record<string, unknown>): string[] {
  const { authorizationEndpoint, tokenEndpoint } = parseCapabilityStatement(document, pins)
  return [authorizationEndpoint, tokenEndpoint]
}

const found = ['https://login.test/authorize', 'https://login.test/token']

function refusal(document: Record<string, unknown>): BrokerError {
  try {
    parseCapabilityStatement(document, pins)
  } catch (error) {
    return error as BrokerError
  }
  assert.fail(`accepted ${JSON.stringify(document)}`)
}

test("[CF-14] reads DSTU2's Conformance, STU3's and R4's CapabilityStatement alike", () => {
  for (const [resourceType, fhirVersion] of [
    ['Conformance', '1.0.2'],
    ['CapabilityStatement', '3.0.1'],
    ['CapabilityStatement', '4.0.1-rc'],
  ] as const) {
    const revoke = { url: 'revoke', valueUri: 'https://login.test/revoke' }
    const register = { url: 'register', valueUri: 'https://evil.test/register' }
    const document = statement(oauthUris(authorize, token, register, revoke))
    const server = parseCapabilityStatement({ ...document, resourceType, fhirVersion }, pins)
    assert.deepEqual(server, {
      source: 'metadata',
      issuer: 'https://ehr.test/fhir/r4',
      issuerAnnounced: false,
      authorizationEndpoint: 'https://login.test/authorize',
      tokenEndpoint: 'https://login.test/token',
      revocationEndpoint: 'https://login.test/revoke',
      capabilities: [],
      issParameterSupported: false,
      pushedAuthorizationRequestsRequired: false,
      associatedEndpoints: [],
      fhirVersion: fhirVersion.replace('-rc', ''),
      warnings: ['described by metadata only: no issuer, no list of challenge methods'],
    })
  }
})

test('[LD-01] reads the endpoints in any order', () => {
  const manage = { url: 'manage', valueUri: 'https://login.test/manage' }
  assert.deepEqual(endpoints(statement(oauthUris(token, manage, authorize))), found)
})

test('[LD-02] reads the flat form of old servers, under each registry it was published at', () => {
  for (const parent of [
    OAUTH_URIS,
    'http://fhir-registry.smarthealthit.org/Profile/oauth-uris',
    'http://fhir-registry.smartplatforms.org/Profile/oauth-uris',
  ]) {
    const flat = [authorize, token].map(({ url, valueUri }) => ({
      url: `${parent}#${url}`,
      valueUri,
    }))
    assert.deepEqual(endpoints(statement(...flat)), found)
  }
})

test('[LD-03] reads the misspelt extension where the right one is missing, and else the right one', () => {
  const misspelt = 'http://DSTU2/fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris'
  const wrong = (...extension: object[]) => ({ url: misspelt, extension })
  assert.deepEqual(endpoints(statement(wrong(authorize, token))), found)
  const old = ['authorize', 'token'].map(url => ({
    url,
    valueUri: `https://login.test/old/${url}`,
  }))
  assert.deepEqual(endpoints(statement(wrong(...old), oauthUris(authorize, token))), found)
})

test('[LD-04] takes no other extension for the right one because its children have the same names', () => {
  const other = ['authorize', 'token'].map(url => ({ url, valueUri: `https://evil.test/${url}` }))
  const soarian = { url: 'http://fhir.soarian.test/SoarianIdLinking-uris', extension: other }
  assert.deepEqual(endpoints(statement(soarian, oauthUris(authorize, token))), found)
  assert.equal(refusal(statement(soarian)).code, 'no_oauth_metadata')
  assert.equal(refusal(statement(...other)).code, 'no_oauth_metadata')
})

test('[LD-05, F7] refuses a server that says nothing of authorization', () => {
  for (const security of [
    undefined,
    null,
    {},
    { cors: true },
    { extension: [] },
    { extension: null },
  ]) {
    const document = { resourceType: 'CapabilityStatement', rest: [{ mode: 'server', security }] }
    assert.equal(refusal(document).code, 'no_oauth_metadata')
  }
  for (const rest of [undefined, null, [], {}, [null], 'server']) {
    assert.equal(refusal({ resourceType: 'Conformance', rest }).code, 'no_oauth_metadata')
  }
  assert.equal(refusal(statement(oauthUris(authorize))).code, 'no_oauth_metadata')
  assert.equal(refusal(statement(oauthUris(token))).code, 'no_oauth_metadata')
  for (const resourceType of ['Patient', undefined, ['Conformance'], 'capabilitystatement']) {
    const other = { ...statement(oauthUris(authorize, token)), resourceType }
    assert.equal(refusal(other).code, 'no_oauth_metadata', String(resourceType))
  }
})

test('[LD-09] reads the entry that describes the server, wherever it stands', () => {
  const evil = ['authorize', 'token'].map(url => ({ url, valueUri: `https://evil.test/${url}` }))
  const client = { mode: 'client', security: { extension: [oauthUris(...evil)] } }
  const { rest } = statement(oauthUris(authorize, token)) as { rest: object[] }
  const open = { mode: 'server', security: { cors: true } }
  const document = { resourceType: 'CapabilityStatement', rest: [client, open, ...rest] }
  assert.deepEqual(endpoints(document), found)
  assert.equal(refusal({ ...document, rest: [client] }).code, 'no_oauth_metadata')
})

test('[LD-11] reads the capabilities of SMART 1.0 servers', () => {
  const url = 'http://fhir-registry.smarthealthit.org/StructureDefinition/capabilities'
  const capabilities = ['launch-ehr', 'authorize-post'].map(valueCode => ({ url, valueCode }))
  const document = statement(...capabilities, oauthUris(authorize, token), { url, valueCode: 5 })
  const server = parseCapabilityStatement(document, pins)
  assert.deepEqual(server.capabilities, ['launch-ehr', 'authorize-post'])
})

test('[L17, L10] holds its endpoints to the pinned origins and to https', () => {
  const elsewhere = { url: 'token', valueUri: 'https://evil.test/token' }
  assert.equal(refusal(statement(oauthUris(authorize, elsewhere))).code, 'endpoint_not_pinned')
  const plain = { url: 'authorize', valueUri: 'http://login.test/authorize' }
  assert.equal(refusal(statement(oauthUris(plain, token))).code, 'bad_metadata')
  const revoke = { url: 'revoke', valueUri: 'https://evil.test/revoke' }
  const server = parseCapabilityStatement(statement(oauthUris(authorize, token, revoke)), pins)
  assert.equal(server.revocationEndpoint, undefined)
})

test('[L9] survives any shape of the parts it reads', () => {
  const odd = [null, 1, 'x', [], {}, [[]], [null, 1, 'x', {}, { url: 1 }, { url: OAUTH_URIS }]]
  for (const value of odd) {
    for (const document of [
      { rest: value },
      { rest: [{ mode: value }] },
      { rest: [{ mode: 'server', security: value }] },
      { rest: [{ mode: 'server', security: { extension: value } }] },
      {
        rest: [
          { mode: 'server', security: { extension: [{ url: OAUTH_URIS, extension: value }] } },
        ],
      },
      { ...statement(oauthUris({ ...authorize, valueUri: [value] }, token)) },
    ]) {
      const { code } = refusal({ resourceType: 'CapabilityStatement', ...document })
      assert.ok(code === 'no_oauth_metadata' || code === 'bad_metadata', code)
    }
  }
  for (const resourceType of [undefined, 'OperationOutcome', 1]) {
    assert.equal(refusal({ resourceType }).code, 'no_oauth_metadata')
  }
})
