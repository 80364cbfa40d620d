import assert from 'node:assert/strict'
import { test } from 'node:test'
import { resolveQuirks } from '../../../src/smart/quirks.ts'
import { asksForIdToken, buildScope } from '../../../src/smart/scope/scope-request.ts'
import { buildRegistration } from '../registration.ts'

function ask(scope: string, kind: 'ehr' | 'standalone', scopeVersion?: 'v1'): string {
  return buildScope(buildRegistration({ scope, quirks: resolveQuirks({ scopeVersion }) }), kind)
}

test('[AL-23, SC-18, SC-19] an EHR launch asks for `launch` exactly once and keeps its hints', () => {
  assert.equal(ask('openid patient/*.rs', 'ehr'), 'launch openid patient/*.rs')
  assert.equal(ask('openid launch patient/*.rs launch', 'ehr'), 'openid launch patient/*.rs')
  assert.equal(ask('launch/encounter user/*.rs', 'ehr'), 'launch launch/encounter user/*.rs')
})

test('[AL-33, SC-14, SC-20] a standalone launch asks for a patient where it wants one', () => {
  assert.equal(
    ask('launch openid patient/*.rs', 'standalone'),
    'launch/patient openid patient/*.rs',
  )
  assert.equal(ask('patient/*.rs launch/patient', 'standalone'), 'patient/*.rs launch/patient')
  assert.equal(
    ask('launch/patient?role=x patient/*.rs', 'standalone'),
    'launch/patient?role=x patient/*.rs',
  )
  assert.equal(ask('launch launch/encounter user/*.rs', 'standalone'), 'launch/encounter user/*.rs')
})

test("the tutorial's scopes work in both kinds of launch", () => {
  const scope = 'launch patient/*.* openid profile offline_access launch/patient'
  assert.equal(ask(scope, 'ehr'), scope)
  assert.equal(ask(scope, 'standalone'), 'patient/*.* openid profile offline_access launch/patient')
})

test('[SC-03] asks in v1 where the registration says so, and only there', () => {
  const scope = 'openid patient/A.rs patient/A.cud user/B.r?x=y patient/C.cruds'
  assert.equal(ask(scope, 'ehr'), `launch ${scope}`)
  assert.equal(
    ask(scope, 'ehr', 'v1'),
    'launch openid patient/A.read patient/A.write user/B.read patient/C.*',
  )
})

test('[AL-56, AL-60] refresh scopes are asked for as they are written', () => {
  assert.match(ask('openid online_access user/*.rs', 'ehr'), /(^| )online_access( |$)/)
  assert.match(ask('openid offline_access user/*.rs', 'standalone'), /(^| )offline_access( |$)/)
})

test('an id_token is asked for by the scope `openid`, unless no user is to be known', () => {
  assert.equal(asksForIdToken({ scope: 'launch\nopenid', idToken: 'verify' }), true)
  assert.equal(asksForIdToken({ scope: 'openidx launch', idToken: 'require' }), false)
  assert.equal(asksForIdToken({ scope: 'openid', idToken: 'ignore' }), false)
})
