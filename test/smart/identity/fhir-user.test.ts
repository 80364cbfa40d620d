import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { patientOf, resolveFhirUser } from '../../../src/smart/identity/fhir-user.ts'

const base = 'https://ehr.test/fhir/r4'

test('[SC-36, Q12] fhirUser is absolute, relative to the base, or in `profile`', () => {
  const local = `${base}/Practitioner/123`
  for (const claims of [
    { fhirUser: local },
    { fhirUser: 'Practitioner/123' },
    { fhirUser: '/Practitioner/123' },
    { profile: 'Practitioner/123' },
  ]) {
    assert.equal(resolveFhirUser(claims, base), local)
    assert.equal(resolveFhirUser(claims, `${base}/`), local)
  }
  assert.equal(resolveFhirUser({ fhirUser: local, profile: 'Patient/1' }, base), local)
  assert.equal(resolveFhirUser({ fhirUser: 'Device/1', profile: local }, base), undefined)
  assert.equal(resolveFhirUser({}, base), undefined)
})

test('[Q12, Q44] an id with an underscore, and another address of the same base, are the user too', () => {
  const aliases = ['http://inner.test/fhir/', 'https://old.test/fhir']
  const user = `${base}/Patient/a_1`
  for (const fhirUser of [
    ...['Patient/a_1', user],
    ...['http://inner.test/fhir/Patient/a_1', 'https://old.test/fhir/Patient/a_1'],
  ]) {
    assert.equal(resolveFhirUser({ fhirUser }, base, aliases), user)
    assert.equal(patientOf(resolveFhirUser({ fhirUser }, base, aliases), base), 'a_1')
  }
  for (const fhirUser of ['http://inner.test/fhir/x/Patient/1', 'http://inner.test/Patient/1']) {
    assert.equal(resolveFhirUser({ fhirUser }, base, aliases), undefined)
  }
})

test('a user on this machine is named where the EHR itself is', () => {
  const local = 'http://127.0.0.1:5001/r4'
  const fhirUser = `${local}/Practitioner/1`
  assert.equal(resolveFhirUser({ fhirUser }, local), fhirUser)
  assert.equal(resolveFhirUser({ fhirUser }, base), undefined)
})

test('[SC-36] names a person of the five types and nothing else', () => {
  for (const type of ['Patient', 'Practitioner', 'PractitionerRole', 'RelatedPerson', 'Person']) {
    assert.equal(resolveFhirUser({ fhirUser: `${type}/a.1-B` }, base), `${base}/${type}/a.1-B`)
  }
  for (const fhirUser of [
    ...['Device/1', 'practitioner/1', 'Patient', 'Patient/', 'Patient/a+b', 'Patient/1/_history/2'],
    ...[
      'Patient/..',
      'Patient/.',
      '../Patient/1',
      '//evil.test/Patient/1',
      `Patient/${'1'.repeat(65)}`,
    ],
    ...['Patient/1?x', 'Patient/1#x', ' Patient/1', 'Patient/1\n', `${base}/Observation/1`],
    ...[7, {}, null, ['Patient/1'], ''],
  ]) {
    assert.equal(resolveFhirUser({ fhirUser }, base), undefined, String(fhirUser))
  }
})

test('[I13] a foreign host is told as it is, and no scheme but https', () => {
  const foreign = 'https://other.test/fhir/Practitioner/1'
  assert.equal(resolveFhirUser({ fhirUser: foreign }, base), foreign)
  assert.equal(patientOf('https://other.test/fhir/r4/Patient/1', base), undefined)
  for (const fhirUser of [
    ...['http://other.test/Patient/1', 'javascript:alert(1)//Patient/1', 'data:x,/Patient/1'],
    ...['https://u:p@other.test/Patient/1', 'https://other.test/?x=/Patient/1', 'urn:x/Patient/1'],
    ...['https://other.test/#/Patient/1', 'https:///Patient/1', 'https://\u00e9.test/Patient/1'],
    `https://other.test/${'x'.repeat(3000)}/Patient/1`,
  ]) {
    assert.equal(resolveFhirUser({ fhirUser }, base), undefined, fhirUser)
  }
})

test('[I13] whatever it says, it is undefined or an address that ends in a person', () => {
  const text = fc.oneof(
    fc.string(),
    fc.webUrl(),
    fc.string().map(id => `Patient/${id}`),
    fc.string().map(path => `${base}/${path}/Patient/1`),
  )
  fc.assert(
    fc.property(text, fhirUser => {
      const user = resolveFhirUser({ fhirUser }, base)
      if (user === undefined) return
      assert.equal(new URL(user).protocol, 'https:')
      assert.match(
        user,
        /\/(Patient|Practitioner|PractitionerRole|RelatedPerson|Person)\/[A-Za-z0-9._-]+$/,
      )
    }),
  )
})

test('the patient of a user is one at this base alone', () => {
  assert.equal(patientOf(`${base}/Patient/7`, `${base}/`), '7')
  assert.equal(patientOf(`${base}/Practitioner/7`, base), undefined)
  assert.equal(patientOf(undefined, base), undefined)
})
