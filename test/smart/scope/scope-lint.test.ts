import assert from 'node:assert/strict'
import { test } from 'node:test'
import { lintScopes, listScopeFaults } from '../../../src/smart/scope/scope-lint.ts'

test('[SC-10, SC-15, SC-16] scopes that no user launch may have are faults', () => {
  assert.equal(listScopeFaults('launch openid fhirUser patient/*.rs offline_access').length, 0)
  for (const bad of [
    ...['system/*.rs', 'patient/A.dus', 'launch/ImagingStudy', 'launch/x?role=a&role=b'],
  ]) {
    assert.equal(listScopeFaults(`openid ${bad}`).length, 1, bad)
  }
})

test('[SY-03] scopes of backend services are a fault of their own', () => {
  assert.deepEqual(listScopeFaults('system/Patient.rs system/*.read'), [
    'the scope "system/Patient.rs" is for clients without a user',
    'the scope "system/*.read" is for clients without a user',
  ])
})

test('[AL-28, SC-11, SC-13] advises against wildcards and against access without the user', () => {
  assert.match(lintScopes('patient/*.rs').join(), /patient\/\*\.rs asks for every type/)
  const offline = 'patient/A.rs offline_access'
  assert.match(lintScopes(offline, ['permission-online']).join(), /online_access, which is enough/)
  assert.deepEqual(lintScopes(offline, ['permission-offline']), [])
  assert.match(lintScopes('offline_access online_access').join(), /needless/)
  assert.deepEqual(lintScopes('launch openid fhirUser patient/A.rs user/B.r online_access'), [])
})

test('[AL-29, SC-34] advises to ask for openid and fhirUser together', () => {
  assert.match(lintScopes('fhirUser patient/A.rs').join(), /fhirUser needs openid/)
  assert.match(lintScopes('openid patient/A.rs').join(), /names no user/)
  assert.deepEqual(lintScopes('openid profile patient/A.rs'), [])
})

test('[BP-05] advises on a shorter form, on mixed versions and on misspelt words', () => {
  assert.match(lintScopes('patient/A.r patient/A.s').join(), /asked for by: patient\/A\.rs$/)
  assert.match(lintScopes('patient/A.read patient/B.rs').join(), /mixed/)
  assert.deepEqual(lintScopes('patient/A.read patient/A.write'), [])
  assert.match(lintScopes('offline-access').join(), /meant as offline_access/)
})
