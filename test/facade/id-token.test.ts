// Who logged in, as an existing app is told: signed by us, with addresses below the base that it knows.

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { createLocalJWKSet, decodeProtectedHeader, jwtVerify } from 'jose'
import { signIdToken } from '../../src/facade/id-token.ts'
import { makeKeyRing } from '../../src/keys.ts'
import { buildSigningKeySet, deriveSigningKeys } from '../../src/signing-keys.ts'
import type { Identity } from '../../src/smart/types.ts'

const facadeUrl = 'https://app.example/smart/general'
const now = 1_800_000_000_999
const ring = makeKeyRing(now, randomBytes)
const keys = deriveSigningKeys(ring, 'facade id token')
const [key] = keys
assert.ok(key)

async function sign(identity: Partial<Identity>, nonce?: string) {
  const bases = ['https://ehr.example/r4/', 'https://alias.example/r4']
  const whole = { iss: 'https://ehr.example', sub: 'doctor', sid: 'hidden', ...identity }
  const plan = { facadeUrl, clientId: 'app', nonce, now, bases }
  assert.ok(key)
  const signed = await signIdToken(whole, key, plan)
  const { payload } = await jwtVerify(signed, createLocalJWKSet(buildSigningKeySet(keys)), {
    ...{ issuer: facadeUrl, audience: 'app', algorithms: ['ES256'], currentDate: new Date(now) },
  })
  return { payload, header: decodeProtectedHeader(signed) }
}

test('[FA1] an id_token says who, for this app, for five minutes, with the nonce that was sent', async () => {
  const { payload, header } = await sign({ name: 'Dr. Yilmaz', email: 'y@ehr.example' }, 'n-1')
  assert.deepEqual(header, { alg: 'ES256', typ: 'JWT', kid: key?.kid })
  assert.deepEqual(payload, {
    ...{ iss: facadeUrl, aud: 'app', sub: 'doctor', nonce: 'n-1', name: 'Dr. Yilmaz' },
    ...{ email: 'y@ehr.example', iat: 1_800_000_000, exp: 1_800_000_300 },
  })
})

test('[FA1] the user’s address is below ours where it was below one of the EHR’s, and else as it is', async () => {
  for (const [theirs, told] of [
    ['https://ehr.example/r4/Practitioner/7', `${facadeUrl}/Practitioner/7`],
    ['https://alias.example/r4/Patient/7', `${facadeUrl}/Patient/7`],
    ['https://ehr.example/r4x/Practitioner/7', 'https://ehr.example/r4x/Practitioner/7'],
    ['https://directory.example/Person/7', 'https://directory.example/Person/7'],
  ]) {
    const { payload } = await sign({ fhirUser: theirs })
    assert.deepEqual([payload.fhirUser, payload.profile], [told, told])
  }
})

test('[FA3] keys for apps are of one purpose: none verifies what another signs', () => {
  const others = deriveSigningKeys(ring, 'api assertion')
  const kids = [...keys, ...others].map(({ kid }) => kid)
  assert.equal(new Set(kids).size, kids.length)
})
