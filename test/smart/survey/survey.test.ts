import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BrokerError } from '../../../src/errors.ts'
import { parseFhirBase, surveyEhr } from '../../../src/smart/survey/survey.ts'
import { createStubEhr, type StubEhr } from '../stub-ehr.ts'

const BASE = 'https://ehr.test/fhir'
const SMART = `${BASE}/.well-known/smart-configuration`

async function survey(answers: StubEhr['answers']) {
  const ehr = createStubEhr(answers)
  const pinned: (readonly string[])[] = []
  const open = ({ origins }: { origins: readonly string[] }) => {
    pinned.push(origins)
    return ehr.fetch
  }
  const result = await surveyEhr(BASE, { network: { reach: 'public' }, open, now: () => 0 })
  return { ...result, pinned, urls: ehr.asked.map(({ url }) => url) }
}

test('takes the FHIR base with or without the name of one of its documents', () => {
  for (const suffix of ['', '/metadata', '/.well-known/smart-configuration']) {
    assert.equal(parseFhirBase(BASE + suffix), BASE)
  }
  assert.equal(parseFhirBase(`${BASE}/`), `${BASE}/`)
  for (const text of ['', 'ehr.test', 'http://ehr.test/fhir', 'https://u@ehr.test/', `${BASE}?x`]) {
    assert.equal(parseFhirBase(text), undefined, text)
  }
})

test('asks once when everything lies on the host of the FHIR base', async () => {
  const body = {
    authorization_endpoint: 'https://ehr.test/authorize',
    token_endpoint: '/token',
    jwks_uri: 'https://ehr.test/keys',
    issuer: BASE,
    end_session_endpoint: 'https://ehr.test/end',
  }
  const { outcome, origins, urls } = await survey({ [SMART]: { body } })
  assert.ok(outcome.usable)
  assert.deepEqual(origins, [])
  assert.deepEqual(urls, [SMART])
})

test('learns the origins of endpoints, issuer and keys, and asks again under them', async () => {
  const idp = 'https://idp.test/tenant'
  const { outcome, origins, pinned, asked } = await survey({
    [SMART]: {
      body: {
        issuer: idp,
        authorization_endpoint: 'https://login.test/authorize?tenant=1',
        token_endpoint: 'https://login.test/token',
        registration_endpoint: 'https://register.test/',
        revocation_endpoint: 'http://plain.test/revoke',
        end_session_endpoint: 'https://odd.test:99999/end',
      },
    },
    [`${idp}/.well-known/openid-configuration`]: {
      body: { issuer: idp, jwks_uri: 'https://keys.test/keys' },
    },
  })
  assert.ok(outcome.usable, String(outcome.usable || outcome.error.detail))
  assert.equal(outcome.server.jwksUri, 'https://keys.test/keys')
  assert.deepEqual(origins, ['https://idp.test', 'https://login.test', 'https://keys.test'])
  assert.equal(pinned.length, 3)
  assert.deepEqual(asked, [
    { url: SMART, answer: '200' },
    { url: `${idp}/.well-known/openid-configuration`, answer: '200' },
  ])
})

test('learns the origins of a conformance statement, of nothing but what a launch uses', async () => {
  const uris = ['authorize', 'token', 'register'].map(url => ({
    url,
    valueUri: `https://${url}.test/`,
  }))
  const url = 'http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris'
  const rest = [{ mode: 'server', security: { extension: [{ url, extension: uris }] } }]
  const body = { resourceType: 'Conformance', fhirVersion: '1.0.2', rest }
  const { outcome, origins } = await survey({ [`${BASE}/metadata`]: { body } })
  assert.ok(outcome.usable)
  assert.deepEqual(origins, ['https://authorize.test', 'https://token.test'])
})

test('[LD-04] names no origin of an extension that is not used', async () => {
  const uris = (host: string) =>
    ['authorize', 'token'].map(url => ({ url, valueUri: `https://${host}.test/${url}` }))
  const url = 'http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris'
  const other = { url: 'http://soarian.test/SoarianIdLinking-uris', extension: uris('decoy') }
  const rest = [{ security: { extension: [other, { url, extension: uris('login') }] } }]
  const body = { resourceType: 'CapabilityStatement', rest }
  const { origins } = await survey({ [`${BASE}/metadata`]: { body } })
  assert.deepEqual(origins, ['https://login.test'])
})

test('tells a refusal with what was asked, and asks for ever new origins at most three times', async () => {
  const failing = await survey({ [SMART]: { error: new BrokerError('issuer_timeout') } })
  assert.ok(!failing.outcome.usable)
  assert.equal(failing.outcome.error.code, 'issuer_timeout')
  assert.deepEqual(failing.asked, [{ url: SMART, answer: 'issuer_timeout' }])
  let round = 0
  const moving = await survey({
    [SMART]: () => ({
      body: {
        authorization_endpoint: 'https://ehr.test/a',
        token_endpoint: `https://t${round++}.test/`,
      },
    }),
  })
  assert.ok(!moving.outcome.usable)
  assert.equal(moving.outcome.error.code, 'endpoint_not_pinned')
  assert.equal(moving.urls.length, 3)
})
