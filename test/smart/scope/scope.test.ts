import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  fromScopeUri,
  parseScope,
  printScope,
  type ResourceScope,
  splitScope,
  toV1,
  toV2,
} from '../../../src/smart/scope/scope.ts'

const permissions = fc
  .subarray(['c', 'r', 'u', 'd', 's'], { minLength: 1 })
  .map(letters => letters.join(''))
const type = fc.oneof(
  fc.constant('*'),
  fc.stringMatching(/^[A-Z][A-Za-z]{0,20}$/),
  fc.constantFrom('Patient', 'Observation'),
)
const parameter = fc.tuple(
  fc.stringMatching(/^[a-z_:-]{1,12}$/),
  fc.stringMatching(/^[A-Za-z0-9:/|.,-]{1,30}$/),
)
const resourceText = fc
  .tuple(fc.constantFrom('patient', 'user', 'system'), type, permissions, fc.array(parameter))
  .map(([level, resource, suffix, parameters]) => {
    const query = parameters.map(pair => pair.join('=')).join('&')
    return `${level}/${resource}.${suffix}${query && `?${query}`}`
  })

function resource(text: string): ResourceScope {
  const scope = parseScope(text)
  assert.ok(scope?.kind === 'resource', text)
  return scope
}

test('[SC-07, SC-05] every scope of the grammar is printed as it was read', () => {
  fc.assert(
    fc.property(resourceText, text => {
      assert.equal(printScope(resource(text)), text)
    }),
  )
})

test('[SC-01] takes a v2 suffix only as an in-order subset of cruds', () => {
  for (const suffix of ['dus', 'sr', 'rr', 'x', '', 'CRUDS', 'read.s', 'reads', 'crudsc']) {
    assert.equal(parseScope(`patient/Observation.${suffix}`), undefined, suffix)
  }
  assert.equal(resource('patient/Observation.cds').permissions, 'cds')
})

test('[SC-02] reads v1 suffixes as what they permit', () => {
  const table = { read: 'rs', write: 'cud', '*': 'cruds' }
  for (const [suffix, letters] of Object.entries(table)) {
    const scope = resource(`user/Patient.${suffix}`)
    assert.deepEqual([scope.permissions, scope.version], [letters, 1])
    assert.equal(printScope(scope), `user/Patient.${suffix}`)
    assert.equal(printScope(toV2(scope)), `user/Patient.${letters}`)
  }
})

test('[SC-05] keeps colon, pipe and equals signs in finer scopes', () => {
  const text =
    'patient/Observation.rs?category=http://terminology.hl7.org/CodeSystem/observation-category|laboratory&code:not=a=b'
  const { parameters } = resource(text)
  assert.deepEqual(parameters, [
    ['category', 'http://terminology.hl7.org/CodeSystem/observation-category|laboratory'],
    ['code:not', 'a=b'],
  ])
  for (const bad of ['?', '?a', '?=b', '?a=', '?a=b&', '?a=b&&c=d']) {
    assert.equal(parseScope(`patient/Observation.rs${bad}`), undefined, bad)
  }
  assert.equal(parseScope('patient/Observation.read?a=b'), undefined, 'v1 has no parameters')
})

test('[SC-07] refuses what looks like a SMART scope and is none', () => {
  for (const bad of [
    ...['patient/', 'patient/Observation', 'patient/observation.rs', 'patient/*', 'user/.rs'],
    ...['patient//Observation.rs', 'Patient/Observation.r\u00e9', 'patient/Obs ervation.rs'],
    ...['system/**.rs', 'user/Observation.rs/x', 'patient/Observation.*s', '', 'a"b', 'a\\b'],
  ]) {
    assert.equal(parseScope(bad), undefined, JSON.stringify(bad))
  }
})

test('[SC-15, SC-16, SC-17] launch scopes are lower case and have one role each', () => {
  assert.deepEqual(parseScope('launch/patient'), {
    kind: 'launch',
    type: 'patient',
    role: undefined,
  })
  const role = 'launch/imagingstudy?role=https://example.org/role'
  assert.equal(printScope(parseScope(role) ?? assert.fail()), role)
  for (const bad of [
    ...['launch/ImagingStudy', 'launch/', 'launch/patient?role=', 'launch/patient?x=y'],
    ...['launch/imagingstudy?role=a&role=b', 'launch?role=a', 'launch/a/b'],
  ]) {
    assert.equal(parseScope(bad), undefined, bad)
  }
})

test('scopes of vendors and of OpenID are plain words', () => {
  for (const text of [
    'openid',
    'fhirUser',
    'patient-record',
    'https://ehr.test/scope',
    'launcher',
  ]) {
    assert.deepEqual(parseScope(text), { kind: 'plain', text })
  }
})

test('[SC-03] v1 holds all of what was asked, and says when it holds more', () => {
  fc.assert(
    fc.property(resourceText, text => {
      const asked = resource(text)
      const { scope, widened } = toV1(asked)
      for (const letter of asked.permissions) assert.ok(scope.permissions.includes(letter))
      assert.match(printScope(scope), /\.(read|write|\*)$/)
      const same = scope.permissions === asked.permissions && asked.parameters.length === 0
      assert.equal(widened, !same)
    }),
  )
  assert.equal(printScope(toV1(resource('patient/A.rs?x=y')).scope), 'patient/A.read')
  assert.equal(printScope(toV1(resource('patient/A.cs')).scope), 'patient/A.*')
})

test('[SC-42] scopes as URIs have the prefix of SMART or of OpenID, and are read as the plain ones', () => {
  const smart = 'http://smarthealthit.org/fhir/scopes/'
  const openid = 'http://openid.net/specs/openid-connect-core-1_0#'
  for (const text of ['patient/*.r', 'fhirUser', 'launch/patient', 'offline_access']) {
    assert.equal(fromScopeUri(smart + text), text)
  }
  assert.equal(fromScopeUri(`${openid}openid`), 'openid')
  assert.equal(fromScopeUri('https://vendor.test/scope'), 'https://vendor.test/scope')
  assert.equal(fromScopeUri(smart), smart)
})

test('a scope text is split at white space, without repeats', () => {
  assert.deepEqual(splitScope('  b a\t\nb  a c '), ['b', 'a', 'c'])
  assert.deepEqual(splitScope(' '), [])
})
