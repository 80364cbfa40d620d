import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { factorScopes, missingScopes } from '../../../src/smart/scope/scope-set.ts'

const letters = fc.subarray(['c', 'r', 'u', 'd', 's'], { minLength: 1 })
const resource = fc
  .tuple(
    fc.constantFrom('patient', 'user'),
    fc.constantFrom('*', 'Patient', 'Observation'),
    letters,
    fc.constantFrom('', '?category=laboratory', '?category=laboratory&code=x'),
  )
  .map(([level, type, subset, query]) => `${level}/${type}.${subset.join('')}${query}`)
const word = fc.constantFrom('openid', 'fhirUser', 'launch', 'launch/patient', 'offline_access')
const scopes = fc.array(fc.oneof(resource, word), { maxLength: 8 }).map(list => list.join(' '))

test('[SC-04] joins permissions on one type and drops what a wider scope holds', () => {
  const table: [string, string][] = [
    ['patient/A.r patient/A.s', 'patient/A.rs'],
    ['patient/A.s openid patient/A.r', 'patient/A.rs openid'],
    ['patient/A.read patient/A.write', 'patient/A.cruds'],
    ['patient/*.rs patient/A.r', 'patient/*.rs'],
    ['patient/A.rs?a=b patient/A.rs', 'patient/A.rs'],
    ['patient/A.r?a=b patient/A.s?a=b', 'patient/A.rs?a=b'],
    ['patient/A.rs user/A.rs', 'patient/A.rs user/A.rs'],
    ['patient/A.rs?a=b patient/A.rs?a=c', 'patient/A.rs?a=b patient/A.rs?a=c'],
    ['patient/*.r patient/A.rd', 'patient/*.r patient/A.rd'],
    ['launch launch openid', 'launch openid'],
  ]
  for (const [given, short] of table) assert.equal(factorScopes(given), short)
})

test('[SC-04] the shortest form means the same, and has no shorter one', () => {
  fc.assert(
    fc.property(scopes, text => {
      const short = factorScopes(text)
      assert.deepEqual(missingScopes(text, short), [])
      assert.deepEqual(missingScopes(short, text), [])
      assert.equal(factorScopes(short), short)
    }),
  )
})

test('[SC-02, Q5] scopes hold one another whatever their order and syntax', () => {
  const areSame = (one: string, other: string) =>
    [missingScopes(one, other), missingScopes(other, one)].flat().length === 0
  assert.ok(areSame('openid patient/A.read', 'patient/A.rs openid'))
  assert.ok(areSame('patient/A.*', 'patient/A.write patient/A.r patient/A.s'))
  assert.ok(!areSame('patient/A.rs', 'patient/A.r'))
  assert.ok(!areSame('patient/A.rs', 'user/A.rs'))
  assert.ok(!areSame('openid', ''))
})

test('[AL-47, SC-12] names what was asked and not granted, as it was asked', () => {
  const table: [string, string, string[]][] = [
    ['patient/*.rs openid', 'openid patient/*.read', []],
    ['patient/A.cruds', 'patient/A.rs', ['patient/A.cruds']],
    ['patient/A.rs', 'patient/A.r patient/*.s', []],
    ['patient/A.rs', 'user/A.rs', ['patient/A.rs']],
    ['patient/*.rs', 'patient/A.rs patient/B.rs', ['patient/*.rs']],
    ['patient/A.rs', 'patient/A.rs?category=lab', ['patient/A.rs']],
    ['patient/A.rs?category=lab', 'patient/A.rs', []],
    ['patient/A.rs?b=2&a=1', 'patient/A.rs?a=1&b=2', []],
    ['offline_access openid', 'openid', ['offline_access']],
    ['patient/A.rs openid', '', ['patient/A.rs', 'openid']],
    ['patient/A.rs', 'http://smarthealthit.org/fhir/scopes/patient/A.rs', []],
    ['patient/A.rs', 'junk patient/A.dus patient/A.rs', []],
  ]
  for (const [requested, granted, missing] of table) {
    assert.deepEqual(missingScopes(requested, granted), missing, `${requested} / ${granted}`)
  }
})

test('[SC-19] a launch scope that is not echoed is nothing missing', () => {
  assert.deepEqual(missingScopes('launch launch/patient launch/encounter openid', 'openid'), [])
})
