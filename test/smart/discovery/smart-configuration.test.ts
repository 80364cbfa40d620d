import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { BrokerError } from '../../../src/errors.ts'
import { applyOpenidConfiguration } from '../../../src/smart/discovery/openid-configuration.ts'
import { parseSmartConfiguration } from '../../../src/smart/discovery/smart-configuration.ts'
import { resolveQuirks } from '../../../src/smart/quirks.ts'
import { buildRegistration } from '../registration.ts'

const pins = buildRegistration({ origins: ['https://ehr.test', 'https://login.test'] })

const document = {
  issuer: 'https://login.test/oauth2',
  jwks_uri: 'https://login.test/keys',
  authorization_endpoint: 'https://login.test/authorize',
  token_endpoint: 'https://login.test/token',
  grant_types_supported: ['authorization_code'],
  code_challenge_methods_supported: ['S256'],
  capabilities: ['launch-ehr', 'sso-openid-connect'],
}

function parse(changes: Record<string, unknown>, registration = pins) {
  return parseSmartConfiguration({ ...document, ...changes }, registration)
}

function refusal(changes: Record<string, unknown>, registration = pins): BrokerError {
  let refused: BrokerError | undefined
  assert.throws(
    () => parse(changes, registration),
    (error: BrokerError) => {
      refused = error
      return error.name === 'BrokerError'
    },
    JSON.stringify(changes),
  )
  assert.equal(refused?.ehr, 'general')
  return refused as BrokerError
}

test('[CF-05, CF-11] reads endpoints, lists and flags, and tolerates what it does not know', () => {
  const server = parse({
    revocation_endpoint: 'https://login.test/revoke',
    end_session_endpoint: 'https://login.test/logout',
    pushed_authorization_request_endpoint: 'https://login.test/par',
    require_pushed_authorization_requests: true,
    authorization_response_iss_parameter_supported: true,
    token_endpoint_auth_methods_supported: ['private_key_jwt'],
    token_endpoint_auth_signing_alg_values_supported: ['RS384'],
    id_token_signing_alg_values_supported: ['RS256'],
    scopes_supported: ['openid'],
    capabilities: [
      'context-passthrough-banner',
      'http://sdo.example.org/capability',
      'authorize-post',
    ],
    user_access_brand_bundle: 'https://brands.test/',
    'https://vendor.test/extension': { anything: [] },
  })
  assert.deepEqual(server, {
    source: 'smart-configuration',
    issuer: 'https://login.test/oauth2',
    issuerAnnounced: true,
    authorizationEndpoint: 'https://login.test/authorize',
    tokenEndpoint: 'https://login.test/token',
    revocationEndpoint: 'https://login.test/revoke',
    endSessionEndpoint: 'https://login.test/logout',
    pushedAuthorizationRequestEndpoint: 'https://login.test/par',
    jwksUri: 'https://login.test/keys',
    capabilities: [
      'context-passthrough-banner',
      'http://sdo.example.org/capability',
      'authorize-post',
    ],
    codeChallengeMethods: ['S256'],
    tokenEndpointAuthMethods: ['private_key_jwt'],
    tokenEndpointAuthSigningAlgs: ['RS384'],
    idTokenSigningAlgs: ['RS256'],
    scopesSupported: ['openid'],
    issParameterSupported: true,
    pushedAuthorizationRequestsRequired: true,
    associatedEndpoints: [],
    warnings: [],
  })
})

test('[CF-05, CF-06] refuses a document without authorization or token endpoint', () => {
  for (const name of ['authorization_endpoint', 'token_endpoint']) {
    for (const value of [undefined, null, '']) {
      const error = refusal({ [name]: value })
      assert.equal(error.code, 'bad_metadata')
      assert.equal(error.detail, `${name} is missing`)
    }
  }
})

test('[CF-05, CF-09] does without optional members, with a warning where policy steps in', () => {
  const server = parseSmartConfiguration(
    {
      authorization_endpoint: document.authorization_endpoint,
      token_endpoint: document.token_endpoint,
    },
    pins,
  )
  assert.equal(server.issuer, pins.iss)
  assert.equal(server.issuerAnnounced, false)
  assert.equal(server.issParameterSupported, false)
  assert.equal(server.tokenEndpointAuthMethods, undefined)
  assert.deepEqual(server.warnings, [
    'capabilities is missing',
    'code_challenge_methods_supported is missing; S256 is sent all the same',
  ])
})

test('[L17, L19, AL-01] refuses a token, authorization or key endpoint outside the pinned origins', () => {
  for (const name of ['authorization_endpoint', 'token_endpoint', 'jwks_uri']) {
    for (const [url, origin] of [
      ['https://evil.test/token', 'https://evil.test'],
      ['https://login.test.evil.test/token', 'https://login.test.evil.test'],
      ['https://login.test:8443/token', 'https://login.test:8443'],
      ['//evil.test/token', 'https://evil.test'],
      ['http://127.0.0.1:9/token', 'http://127.0.0.1:9'],
    ] as const) {
      const error = refusal({ [name]: url })
      assert.equal(error.code, 'endpoint_not_pinned')
      assert.equal(error.detail, `${name} lies on ${origin}: add it to the registration's origins`)
    }
  }
})

test('drops an endpoint that a login works without when it is not pinned, with a warning', () => {
  for (const [name, member] of [
    ['revocation_endpoint', 'revocationEndpoint'],
    ['end_session_endpoint', 'endSessionEndpoint'],
    ['pushed_authorization_request_endpoint', 'pushedAuthorizationRequestEndpoint'],
  ] as const) {
    const server = parse({ [name]: 'https://evil.test/x' })
    assert.equal(server[member], undefined)
    assert.match(
      server.warnings.join(),
      new RegExp(`^${name} lies on https://evil.test: .*not used`),
    )
  }
})

test('drops keys elsewhere when id_tokens are not verified', () => {
  const ignoring = { ...pins, idToken: 'ignore' as const }
  assert.equal(parse({ jwks_uri: 'https://evil.test/keys' }, ignoring).jwksUri, undefined)
  const without = { ...pins, scope: 'launch patient/*.rs' }
  assert.equal(parse({ jwks_uri: 'https://evil.test/keys' }, without).jwksUri, undefined)
})

test('[Q32, L10] http is read as https by its quirk alone, and only where that is a pinned origin', () => {
  const origins = ['https://ehr.test', 'https://login.test:8443', 'https://login.test']
  const quirks = resolveQuirks({ httpAddresses: 'asHttps' })
  const behindProxy = { ...pins, origins, quirks }
  const read = (url: string, by = behindProxy) =>
    parseSmartConfiguration({ ...document, token_endpoint: url }, by).tokenEndpoint
  assert.equal(read('http://login.test/token'), 'https://login.test/token')
  assert.equal(read('http://LOGIN.test:80/token?a=%20b'), 'https://login.test/token?a=%20b')
  assert.equal(read('http://login.test:8443/token'), 'https://login.test:8443/token')
  assert.equal(read('https://LOGIN.test:443/token'), 'https://LOGIN.test:443/token')
  for (const url of ['http://evil.test/token', 'http://login.test:8080/token']) {
    assert.throws(() => read(url), { code: 'bad_metadata' }, url)
  }
  assert.throws(() => read('http://127.0.0.1/token'), { code: 'endpoint_not_pinned' })
  assert.throws(
    () => read('http://login.test/token', { ...pins, origins }),
    error => {
      const { code, detail } = error as { code: string; detail: string }
      assert.match(detail, /^token_endpoint is not https .*httpAddresses/)
      return code === 'bad_metadata'
    },
  )
  const issuer = 'http://login.test/oauth2'
  assert.equal(parse({ issuer }, behindProxy).issuer, issuer)
  assert.throws(() => parse({ issuer: 'http://evil.test' }, behindProxy), { code: 'bad_metadata' })
  assert.throws(() => parse({ issuer }), { code: 'bad_metadata' })
})

test('[L10, L18] refuses endpoints that are no plain https address', () => {
  for (const value of [
    ...['javascript:alert(1)', 'data:text/html,x', 'http://login.test/token', 'ftp://login.test/'],
    ...[
      'https://user@login.test/token',
      'https://user:pass@login.test/',
      'https://login.test/token#x',
    ],
    ...[
      'https://login.test/token#',
      'https://login.test\\@evil.test/',
      'https://login.test/\ttoken',
    ],
    ...[
      'https://login.test/tökén',
      ' https://login.test/token',
      'https://login.test/to ken',
      'https://',
    ],
    ...[
      `https://login.test/${'a'.repeat(3000)}`,
      'https://login.test:99999/',
      'file:///etc/passwd',
    ],
    ...[['https://login.test/token'], { url: 'https://login.test/' }, 1, true],
  ]) {
    assert.equal(refusal({ authorization_endpoint: value }).code, 'bad_metadata', String(value))
    assert.equal(refusal({ token_endpoint: value }).code, 'bad_metadata', String(value))
  }
})

test('[L13] refuses an issuer that is no plain address', () => {
  for (const issuer of [
    ...['https://login.test/ x', 'https://login.test/\t', 'https://login.test/ö', 'login.test'],
    ...[
      `https://login.test/${'a'.repeat(3000)}`,
      'https://',
      'urn:x',
      7,
      true,
      ['https://login.test'],
    ],
    ...[{}, 'javascript:1'],
  ]) {
    assert.equal(refusal({ issuer }).code, 'bad_metadata', String(issuer))
  }
})

test('[L17, L18] an endpoint means what it was judged as to whoever reads it, with a base or without', () => {
  for (const value of [
    'https:evil.test/token',
    'https:/evil.test/token',
    'HTTPS:evil.test/',
    '//login.test/t',
  ]) {
    const { authorizationEndpoint, tokenEndpoint } = parse({
      authorization_endpoint: value,
      token_endpoint: value,
    })
    for (const url of [authorizationEndpoint, tokenEndpoint]) {
      assert.ok(pins.origins.includes(new URL(url).origin), `${value} leads to ${url}`)
    }
  }
})

test('accepts http endpoints on this machine where the registration is on it', () => {
  const origin = 'http://127.0.0.1:5001'
  const sandbox = buildRegistration({ iss: `${origin}/fhir`, origins: [origin] })
  const local = {
    issuer: origin,
    authorization_endpoint: `${origin}/authorize`,
    token_endpoint: `${origin}/token`,
  }
  const server = parse({ ...local, jwks_uri: `${origin}/keys` }, sandbox)
  assert.equal(server.tokenEndpoint, `${origin}/token`)
})

test('keeps an absolute endpoint byte for byte, query included', () => {
  const url = 'https://LOGIN.test:443/a/../token?tenant=%7e'
  assert.equal(parse({ token_endpoint: url }).tokenEndpoint, url)
})

test('[CF-03] resolves relative endpoints below the FHIR base, with or without its slash', () => {
  for (const iss of ['https://ehr.test/apis/fhir', 'https://ehr.test/apis/fhir/']) {
    const registration = buildRegistration({
      iss,
      origins: ['https://ehr.test', 'https://login.test'],
    })
    for (const [value, expected] of [
      ['auth/authorize', 'https://ehr.test/apis/fhir/auth/authorize'],
      ['../auth', 'https://ehr.test/apis/auth'],
      ['/auth', 'https://ehr.test/auth'],
      ['//login.test/auth', 'https://login.test/auth'],
    ] as const) {
      assert.equal(
        parse({ authorization_endpoint: value }, registration).authorizationEndpoint,
        expected,
      )
    }
  }
})

test('[L13] accepts the issuer that is the FHIR base, configured, or on a pinned origin', () => {
  for (const issuer of [
    'https://ehr.test/fhir/r4/',
    'https://login.test/oauth2',
    'https://login.test',
  ]) {
    assert.equal(parse({ issuer }).issuer, issuer)
  }
  const registration = { ...pins, issuers: ['https://id.vendor.test/tenant', 'urn:odd'] }
  for (const issuer of registration.issuers)
    assert.equal(parse({ issuer }, registration).issuer, issuer)
})

test("[L13] refuses an issuer that is another EHR's", () => {
  const error = refusal({ issuer: 'https://other-ehr.test/oauth2' })
  assert.equal(error.code, 'bad_metadata')
  assert.match(String(error.detail), /^the issuer lies on https:\/\/other-ehr\.test: add it/)
  for (const issuer of [
    'urn:x',
    'https://ehr.test@evil.test',
    'https://1.2.3.4.5/',
    'x',
    1,
    [],
    {},
    'ö',
  ]) {
    assert.equal(refusal({ issuer }).code, 'bad_metadata', String(issuer))
  }
})

test('[L20, CF-08] refuses a list of challenge methods without S256, and only that', () => {
  for (const methods of [['plain'], [], ['s256']]) {
    const error = refusal({ code_challenge_methods_supported: methods })
    assert.equal(error.code, 'pkce_unsupported')
  }
  for (const methods of [['S256'], ['plain', 'S256'], undefined]) {
    parse({ code_challenge_methods_supported: methods })
  }
})

test('[Q31, CF-09] an empty list of methods or algorithms says nothing', () => {
  const server = parse({
    token_endpoint_auth_methods_supported: [],
    token_endpoint_auth_signing_alg_values_supported: [],
    id_token_signing_alg_values_supported: [],
    scopes_supported: [],
  })
  assert.equal(server.tokenEndpointAuthMethods, undefined)
  assert.equal(server.tokenEndpointAuthSigningAlgs, undefined)
  assert.equal(server.idTokenSigningAlgs, undefined)
  assert.equal(server.scopesSupported, undefined)
  const algs = { id_token_signing_alg_values_supported: [], issuer: document.issuer }
  assert.equal(applyOpenidConfiguration(server, algs, pins).idTokenSigningAlgs, undefined)
})

test('[L9] takes no list that is not a list of texts', () => {
  for (const value of ['S256', { 0: 'S256' }, [1], [['S256']], 5, Array(2000).fill('x')]) {
    const server = parse({ code_challenge_methods_supported: value, capabilities: value })
    assert.equal(server.codeChallengeMethods, undefined)
    assert.deepEqual(server.capabilities, [])
    assert.match(server.warnings.join(), /capabilities is not a list of texts/)
  }
})

test('reads flags only from true', () => {
  for (const value of ['true', 1, {}, null]) {
    const server = parse({
      authorization_response_iss_parameter_supported: value,
      require_pushed_authorization_requests: value,
    })
    assert.equal(server.issParameterSupported, false)
    assert.equal(server.pushedAuthorizationRequestsRequired, false)
  }
})

test('[CF-12] exposes associated endpoints as they are, and drops what is none', () => {
  const { associatedEndpoints } = parse({
    associated_endpoints: [
      { url: 'https://images.test/fhir', capabilities: ['smart-app-state'] },
      { url: 'https://other.test/fhir' },
      { url: 5 },
      'https://no.test',
      null,
    ],
  })
  assert.deepEqual(associatedEndpoints, [
    { url: 'https://images.test/fhir', capabilities: ['smart-app-state'] },
    { url: 'https://other.test/fhir', capabilities: [] },
  ])
  assert.deepEqual(parse({ associated_endpoints: 'x' }).associatedEndpoints, [])
})

test('[CF-13] reads the deprecated app state endpoint only where no associated ones are listed', () => {
  const deprecated = { smart_app_state_endpoint: 'https://state.test/' }
  const fallback = [{ url: 'https://state.test/', capabilities: ['smart-app-state'] }]
  assert.deepEqual(parse(deprecated).associatedEndpoints, fallback)
  assert.deepEqual(parse({ ...deprecated, associated_endpoints: [] }).associatedEndpoints, [])
})
