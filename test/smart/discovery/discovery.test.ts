import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BrokerError } from '../../../src/errors.ts'
import { discover } from '../../../src/smart/discovery/discovery.ts'
import type { Registration } from '../../../src/smart/types.ts'
import { buildRegistration } from '../registration.ts'
import { createStubEhr, type StubEhr } from '../stub-ehr.ts'

const BASE = 'https://ehr.test/fhir/r4'
const SMART = `${BASE}/.well-known/smart-configuration`
const METADATA = `${BASE}/metadata`
const OPENID = `${BASE}/.well-known/openid-configuration`

const configuration = {
  issuer: 'https://ehr.test/oauth2',
  jwks_uri: 'https://ehr.test/keys',
  authorization_endpoint: 'https://ehr.test/authorize',
  token_endpoint: 'https://ehr.test/token',
  capabilities: ['launch-ehr'],
  code_challenge_methods_supported: ['S256'],
}

const statement = {
  resourceType: 'Conformance',
  fhirVersion: '1.0.2',
  rest: [
    {
      mode: 'server',
      security: {
        extension: [
          {
            url: 'http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris',
            extension: [
              { url: 'authorize', valueUri: 'https://ehr.test/dstu2/authorize' },
              { url: 'token', valueUri: 'https://ehr.test/dstu2/token' },
            ],
          },
        ],
      },
    },
  ],
}

const registration = buildRegistration()
const withoutIdentity = buildRegistration({ scope: 'launch patient/*.rs' })

async function run(answers: StubEhr['answers'], asker: Registration = registration) {
  const ehr = createStubEhr(answers)
  const result = await discover(asker, { fetch: ehr.fetch, now: () => 0 }).then(
    ({ server }) => ({ server, error: undefined }),
    (error: unknown) => {
      assert.ok(error instanceof BrokerError, String(error))
      return { server: undefined, error }
    },
  )
  return { ...result, asked: ehr.asked.map(({ url }) => url), requests: ehr.asked }
}

test('[AL-18, CF-01, CF-02] appends the well-known path to the FHIR base and asks for JSON', async () => {
  for (const iss of [BASE, `${BASE}/`]) {
    const { server, requests } = await run(
      { [SMART]: { body: configuration } },
      buildRegistration({ iss }),
    )
    assert.equal(server?.source, 'smart-configuration')
    assert.equal(server?.tokenEndpoint, 'https://ehr.test/token')
    // The end of the EHR's session is looked for beside it.
    assert.deepEqual(
      requests.map(({ url }) => url),
      [SMART, 'https://ehr.test/oauth2/.well-known/openid-configuration'],
    )
    assert.deepEqual(requests[0]?.request, {
      headers: { accept: 'application/json' },
      maxBytes: 256 * 1024,
      timeoutMs: 5000,
      follows: true,
      badAnswer: 'bad_metadata',
    })
  }
})

test('[CF-04] reads JSON whatever its content type says', async () => {
  const headers = { 'content-type': 'text/html' }
  const { server } = await run({ [SMART]: { body: configuration, headers } })
  assert.equal(server?.source, 'smart-configuration')
})

test('[LD-06, CF-14] reads metadata where the well-known document is missing or no JSON', async () => {
  for (const answer of [
    { status: 404 },
    { status: 401, body: { error: 'invalid_token' } },
    { status: 403 },
    { status: 400, body: { resourceType: 'OperationOutcome' } },
    { status: 501, body: 'Unknown resource type .well-known' },
    { status: 200, body: '<html>Welcome</html>' },
    { status: 200, body: { resourceType: 'OperationOutcome' } },
    { status: 204 },
    { status: 304 },
  ]) {
    const { server, asked } = await run(
      { [SMART]: answer, [METADATA]: { body: statement } },
      withoutIdentity,
    )
    assert.equal(server?.source, 'metadata')
    assert.equal(server?.fhirVersion, '1.0.2')
    assert.deepEqual(asked, [SMART, METADATA])
  }
})

test('[LD-07, LD-08] asks for FHIR JSON in plain types, and again with _format when XML comes', async () => {
  const xml = { body: '<?xml version="1.0"?><Conformance xmlns="http://hl7.org/fhir"/>' }
  for (const first of [xml, { body: '<html/>' }, { status: 406 }, { status: 415, body: 'no' }]) {
    const { server, requests } = await run(
      { [METADATA]: first, [`${METADATA}?_format=json`]: { body: statement } },
      withoutIdentity,
    )
    assert.equal(server?.source, 'metadata')
    const accepted = requests.map(({ request }) => request.headers?.accept)
    const fhir = 'application/fhir+json, application/json+fhir, application/json'
    assert.deepEqual(accepted, ['application/json', fhir, 'application/json'])
    assert.doesNotMatch(accepted.join(), /;/)
  }
})

test('[LD-10] lets metadata be 4 MiB', async () => {
  const { requests } = await run({ [METADATA]: { body: statement } }, withoutIdentity)
  assert.deepEqual(
    requests.map(({ request }) => request.maxBytes),
    [256 * 1024, 4 * 1024 * 1024],
  )
})

test('[F7, Q13] refuses an EHR that nowhere says how it authorizes', async () => {
  const silent: StubEhr['answers'][] = [
    {},
    { [SMART]: { body: '<html/>' }, [METADATA]: { body: '<CapabilityStatement/>' } },
    { [METADATA]: { body: { resourceType: 'CapabilityStatement', rest: [] } } },
    { [METADATA]: { status: 401, body: {} } },
  ]
  for (const answers of silent) {
    const { error } = await run(answers)
    assert.equal(error?.code, 'no_oauth_metadata')
    assert.equal(error?.ehr, 'general')
  }
})

test('[L9, CF-05] refuses broken or unusable JSON without looking for something better', async () => {
  for (const body of [
    '{"authorization_endpoint": "https://ehr.test/aut',
    '[]',
    '{"token_endpoint":"https://ehr.test/a","token_endpoint":"https://ehr.test/b"}',
    '{"__proto__":{}}',
    '['.repeat(100_000),
    '{}',
    JSON.stringify({ ...configuration, token_endpoint: ['https://ehr.test/token'] }),
  ]) {
    const { error, asked } = await run({ [SMART]: { body }, [METADATA]: { body: statement } })
    assert.equal(error?.code, 'bad_metadata', body.slice(0, 50))
    assert.deepEqual(asked, [SMART])
  }
  const { error } = await run({ [METADATA]: { body: '{"resourceType":' } })
  assert.equal(error?.code, 'bad_metadata')
  assert.equal(error?.detail, 'metadata is broken JSON')
})

test('tells an EHR that is busy from one that has nothing to say', async () => {
  for (const status of [429, 500, 502, 503]) {
    const { error } = await run({ [SMART]: { status }, [METADATA]: { status } })
    assert.equal(error?.code, 'issuer_busy')
    assert.equal((await run({ [METADATA]: { status } })).error?.code, 'issuer_busy')
  }
})

test('passes on what the network refuses, without asking further', async () => {
  for (const code of ['issuer_timeout', 'issuer_unreachable', 'bad_metadata'] as const) {
    const { error, asked } = await run({ [SMART]: { error: new BrokerError(code) } })
    assert.equal(error?.code, code)
    assert.deepEqual(asked, [SMART])
  }
})

test('[Q32] says where a document would be, where no other one is read in its place', async () => {
  const { error } = await run({ [SMART]: { error: new BrokerError('endpoint_not_pinned') } })
  assert.equal(error?.code, 'endpoint_not_pinned')
})

test('[L8] gives each call five seconds and all together ten', async () => {
  let time = 0
  const slow = () => {
    time += 4000
    return { status: 404 }
  }
  const ehr = createStubEhr({ [SMART]: slow, [METADATA]: slow })
  ehr.answers[METADATA] = () => ({ ...slow(), status: 406 })
  ehr.answers[`${METADATA}?_format=json`] = slow
  await assert.rejects(discover(registration, { fetch: ehr.fetch, now: () => time }))
  assert.deepEqual(
    ehr.asked.map(({ request }) => request.timeoutMs),
    [5000, 5000, 2000],
  )
})

test('[CF-07, SC-39] finds the keys by OpenID discovery where id_tokens need them', async () => {
  const keyless = { ...configuration, jwks_uri: undefined }
  const openid = {
    issuer: 'https://ehr.test/oauth2',
    jwks_uri: 'https://ehr.test/openid/keys',
    end_session_endpoint: 'https://ehr.test/logout',
    id_token_signing_alg_values_supported: ['RS256'],
  }
  const url = 'https://ehr.test/oauth2/.well-known/openid-configuration'
  const { server, asked, requests } = await run({
    [SMART]: { body: keyless },
    [url]: { body: openid },
  })
  assert.deepEqual(asked, [SMART, url])
  assert.equal(requests[1]?.request.maxBytes, 256 * 1024)
  assert.equal(server?.jwksUri, 'https://ehr.test/openid/keys')
  assert.equal(server?.endSessionEndpoint, 'https://ehr.test/logout')
  assert.deepEqual(server?.idTokenSigningAlgs, ['RS256'])
  assert.equal(server?.issuer, 'https://ehr.test/oauth2')
})

test('[CF-07] asks at the FHIR base, or at a configured issuer, where none is announced', async () => {
  const openid = { issuer: BASE, jwks_uri: 'https://ehr.test/keys' }
  const base = await run({ [METADATA]: { body: statement }, [OPENID]: { body: openid } })
  assert.equal(base.server?.jwksUri, 'https://ehr.test/keys')
  assert.equal(base.server?.issuer, BASE)
  assert.equal(base.server?.issuerAnnounced, true)
  assert.equal(base.server?.source, 'metadata')
  const issuer = 'https://ehr.test/idp/'
  const configured = await run(
    {
      [METADATA]: { body: statement },
      'https://ehr.test/idp/.well-known/openid-configuration': { body: { ...openid, issuer } },
    },
    buildRegistration({ issuers: [issuer] }),
  )
  assert.equal(configured.server?.issuer, issuer)
})

test('asks for no OpenID configuration where no id_token will be verified', async () => {
  for (const asker of [withoutIdentity, buildRegistration({ idToken: 'ignore' })]) {
    const { asked } = await run({ [METADATA]: { body: statement } }, asker)
    assert.deepEqual(asked, [SMART, METADATA])
  }
})

test('reads an issuer that is spelled as the address of its own document', async () => {
  const issuer = 'https://ehr.test/tenant/.well-known/openid-configuration'
  const answers = {
    [SMART]: { body: { ...configuration, issuer, jwks_uri: undefined } },
    [issuer]: { body: { issuer: 'https://ehr.test/tenant', jwks_uri: 'https://ehr.test/keys' } },
  }
  const { server } = await run(answers)
  assert.equal(server?.jwksUri, 'https://ehr.test/keys')
  assert.equal(server?.issuer, issuer)
})

test('[L13] refuses an OpenID configuration of another issuer', async () => {
  const keyless = { ...configuration, jwks_uri: undefined }
  const url = 'https://ehr.test/oauth2/.well-known/openid-configuration'
  for (const issuer of ['https://ehr.test/other', 'https://evil.test/oauth2', undefined, '', 5]) {
    const openid = { issuer, jwks_uri: 'https://ehr.test/keys' }
    const { error } = await run({ [SMART]: { body: keyless }, [url]: { body: openid } })
    assert.equal(error?.code, 'bad_metadata', String(issuer))
  }
  const known = buildRegistration({ issuers: ['https://ehr.test/other'] })
  const openid = { issuer: 'https://ehr.test/other', jwks_uri: 'https://ehr.test/keys' }
  const { server } = await run({ [SMART]: { body: keyless }, [url]: { body: openid } }, known)
  assert.equal(server?.issuer, 'https://ehr.test/oauth2')
})

test('[L17, L19] neither asks nor uses an OpenID configuration or keys outside the pinned origins', async () => {
  const elsewhere = buildRegistration({ issuers: ['https://idp.test/tenant'] })
  const keyless = { ...configuration, issuer: 'https://idp.test/tenant', jwks_uri: undefined }
  const { error, asked } = await run({ [SMART]: { body: keyless } }, elsewhere)
  assert.equal(error?.code, 'endpoint_not_pinned')
  assert.match(String(error?.detail), /https:\/\/idp\.test/)
  assert.deepEqual(asked, [SMART])
  const openid = { issuer: BASE, jwks_uri: 'https://evil.test/keys' }
  const answers = { [METADATA]: { body: statement }, [OPENID]: { body: openid } }
  assert.equal((await run(answers)).error?.code, 'endpoint_not_pinned')
})

test('[CF-07] without keys, warns where an id_token is wanted and refuses where it is required', async () => {
  for (const answer of [
    { status: 404 },
    { status: 200, body: '<html/>' },
    { status: 401, body: {} },
  ]) {
    const answers = { [METADATA]: { body: statement }, [OPENID]: answer }
    const { server } = await run(answers)
    assert.match(String(server?.warnings.at(-1)), /id_tokens cannot be verified/)
    const { error } = await run(answers, buildRegistration({ idToken: 'require' }))
    assert.equal(error?.code, 'bad_metadata')
  }
  const busy = { [METADATA]: { body: statement }, [OPENID]: { status: 503 } }
  assert.equal((await run(busy)).error?.code, 'issuer_busy')
  const broken = { [METADATA]: { body: statement }, [OPENID]: { body: '{' } }
  assert.equal((await run(broken)).error?.code, 'bad_metadata')
})

test('asks whether an earlier result still holds, and keeps it when it does', async () => {
  const headers = { etag: '"7"' }
  const ehr = createStubEhr({ [SMART]: { body: configuration, headers } })
  const context = { fetch: ehr.fetch, now: () => 0 }
  const previous = await discover(registration, context)
  assert.equal(previous.etag, '"7"')
  ehr.answers[SMART] = { status: 304 }
  assert.equal((await discover(registration, { ...context, previous })).server, previous.server)
  const again = ehr.asked.filter(({ url }) => url === SMART).at(-1)
  assert.equal(again?.request.headers?.['if-none-match'], '"7"')
  ehr.answers[SMART] = { body: { ...configuration, token_endpoint: 'https://ehr.test/new' } }
  const next = await discover(registration, { ...context, previous })
  assert.equal(next.server.tokenEndpoint, 'https://ehr.test/new')
  assert.equal(next.etag, undefined)
})

test('keeps no entity tag for a result that other documents went into', async () => {
  const headers = { etag: '"7"' }
  const ehr = createStubEhr({
    [SMART]: { body: { ...configuration, jwks_uri: undefined }, headers },
  })
  const { etag } = await discover(registration, { fetch: ehr.fetch, now: () => 0 })
  assert.equal(etag, undefined)
})

test('[Q35, L26] a document that is away makes nothing poorer, and one that is gone does', async () => {
  const ehr = createStubEhr({
    [SMART]: { body: configuration },
    [METADATA]: { body: statement },
  })
  const context = { fetch: ehr.fetch, now: () => 0 }
  const previous = await discover(withoutIdentity, context)
  const page = { status: 200, body: '<html>Maintenance</html>' }
  for (const answer of [
    { status: 500 },
    { status: 502, body: '<html/>' },
    { status: 503, headers: { 'retry-after': '7' } },
    { status: 429 },
    { status: 408 },
    { status: 401 },
    { status: 403 },
    page,
  ]) {
    ehr.answers[SMART] = answer
    const again = discover(withoutIdentity, { ...context, previous })
    await assert.rejects(again, {
      code: 'issuer_busy',
      askedSeconds: answer.status === 503 ? 7 : undefined,
    })
  }
  for (const status of [404, 410]) {
    ehr.answers[SMART] = { status }
    const { server, isProvisional } = await discover(withoutIdentity, { ...context, previous })
    assert.deepEqual([server.source, isProvisional], ['metadata', false])
  }
  // At the first look a page may be what the EHR says to every address.
  ehr.answers[SMART] = page
  const { server, isProvisional } = await discover(withoutIdentity, context)
  assert.deepEqual([server.source, isProvisional], ['metadata', true])
  ehr.answers[SMART] = { status: 503 }
  await assert.rejects(discover(withoutIdentity, context), { code: 'issuer_busy' })
})

test('[Q35, L26] an OpenID configuration that is away takes no keys from what is known', async () => {
  const described = { ...configuration, jwks_uri: undefined }
  const openid = 'https://ehr.test/oauth2/.well-known/openid-configuration'
  const ehr = createStubEhr({
    [SMART]: { body: described },
    [openid]: { body: { issuer: configuration.issuer, jwks_uri: 'https://ehr.test/keys' } },
  })
  const context = { fetch: ehr.fetch, now: () => 0 }
  const previous = await discover(registration, context)
  assert.equal(previous.server.jwksUri, 'https://ehr.test/keys')
  ehr.answers[openid] = { status: 200, body: '<html>Maintenance</html>' }
  const again = discover(registration, { ...context, previous })
  await assert.rejects(again, { code: 'issuer_busy' })
})

test('[Q38] the end of session in the OpenID configuration alone is found behind the login', async () => {
  const openid = 'https://ehr.test/oauth2/.well-known/openid-configuration'
  const end = 'https://ehr.test/end'
  const found = { issuer: configuration.issuer, end_session_endpoint: end }
  for (const [answer, expected] of [
    [{ body: found }, end],
    [{ body: { ...found, issuer: 'https://ehr.test/other' } }, undefined],
    [{ body: { ...found, end_session_endpoint: 'https://evil.example/end' } }, undefined],
    [{ status: 503 }, undefined],
    [{ status: 404 }, undefined],
    [{ body: '{' }, undefined],
  ] as const) {
    const ehr = createStubEhr({ [SMART]: { body: configuration }, [openid]: answer })
    const { server, completed } = await discover(registration, { fetch: ehr.fetch, now: () => 0 })
    assert.equal(server.endSessionEndpoint, undefined)
    assert.equal((await completed)?.endSessionEndpoint, expected)
  }
})

test('[Q35, Q38, L26] an OpenID configuration that is away takes no end of session from what is known', async () => {
  const openid = 'https://ehr.test/oauth2/.well-known/openid-configuration'
  const end = 'https://ehr.test/end'
  const there = { body: { issuer: configuration.issuer, end_session_endpoint: end } }
  for (const [answer, left] of [
    [{ status: 503 }, end],
    [{ status: 200, body: '<html>Maintenance</html>' }, end],
    [{ status: 401 }, end],
    [{ body: '{' }, end],
    [{ error: new BrokerError('issuer_timeout') }, end],
    [{ status: 404 }, undefined],
    [{ body: { issuer: configuration.issuer } }, undefined],
  ] as const) {
    const ehr = createStubEhr({ [SMART]: { body: configuration }, [openid]: there })
    const context = { fetch: ehr.fetch, now: () => 0 }
    const first = await discover(registration, context)
    const previous = { ...first, server: (await first.completed) ?? first.server }
    ehr.answers[openid] = answer
    const again = await discover(registration, { ...context, previous })
    assert.equal(again.server.endSessionEndpoint, end, 'nobody waits for it')
    assert.equal((await again.completed)?.endSessionEndpoint, left)
  }
})

test('[Q38] an end of session that could not be asked for is asked for again, though nothing else has changed', async () => {
  const openid = 'https://ehr.test/oauth2/.well-known/openid-configuration'
  const end = 'https://ehr.test/end'
  const ehr = createStubEhr({
    [SMART]: { body: configuration, headers: { etag: '"1"' } },
    [openid]: { status: 503 },
  })
  const context = { fetch: ehr.fetch, now: () => 0 }
  const previous = await discover(registration, context)
  assert.equal((await previous.completed)?.endSessionEndpoint, undefined)
  ehr.answers[SMART] = { status: 304 }
  ehr.answers[openid] = { body: { issuer: configuration.issuer, end_session_endpoint: end } }
  const again = await discover(registration, { ...context, previous })
  assert.equal((await again.completed)?.endSessionEndpoint, end)
})

test('[Q35, L26] an issuer that the OpenID configuration alone names is not forgotten while that is away', async () => {
  const { issuer, ...described } = configuration
  const openid = `${BASE}/.well-known/openid-configuration`
  const ehr = createStubEhr({ [SMART]: { body: described }, [openid]: { body: { issuer } } })
  const context = { fetch: ehr.fetch, now: () => 0 }
  const previous = await discover(registration, context)
  assert.equal(previous.server.issuer, issuer)
  for (const answer of [{ status: 200, body: '<html>Maintenance</html>' }, { status: 403 }]) {
    ehr.answers[openid] = answer
    const again = discover(registration, { ...context, previous })
    await assert.rejects(again, { code: 'issuer_busy' })
  }
})
