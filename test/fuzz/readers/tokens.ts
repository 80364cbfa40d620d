// Readers of tokens and of what is said about users: states, JWTs, scopes, launch context, sealed ways.

import assert from 'node:assert/strict'
import { createLocalJWKSet } from 'jose'
import { openFarewell } from '../../../src/session/farewell.ts'
import { parseAuthorizationDetails } from '../../../src/smart/context/authorization-details.ts'
import { parseLaunchContext } from '../../../src/smart/context/context.ts'
import { parseFhirContext } from '../../../src/smart/context/fhir-context.ts'
import { parseResourceId, parseText, parseWebUrl } from '../../../src/smart/context/member.ts'
import { resolveFhirUser } from '../../../src/smart/identity/fhir-user.ts'
import { verifyIdToken } from '../../../src/smart/identity/id-token.ts'
import { createKeySet } from '../../../src/smart/identity/jwks.ts'
import { readAddress, verifyLogoutToken } from '../../../src/smart/identity/logout-token.ts'
import {
  buildSignedState,
  packLaunch,
  parseOpaqueState,
  unpackLaunch,
  verifySignedState,
} from '../../../src/smart/launch/state.ts'
import { strictQuirks } from '../../../src/smart/quirks.ts'
import { findInteraction } from '../../../src/smart/scope/interaction.ts'
import { parseScope, printScope, splitScope } from '../../../src/smart/scope/scope.ts'
import { listScopeFaults } from '../../../src/smart/scope/scope-lint.ts'
import { missingScopes } from '../../../src/smart/scope/scope-set.ts'
import { createSigner } from '../../attacks/ehr/signer.ts'
import { base } from '../../proxy/judging.ts'
import { laterOutcomeOf, outcomeOf, type Reader } from '../reader.ts'

const NOW = 1_900_000_000
const now = () => NOW * 1000
const signer = createSigner()
const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
const claims = {
  iss: 'https://ehr.example.org',
  aud: 'client',
  sub: 'x',
  iat: NOW,
  exp: NOW + 300,
  nonce: 'n',
}
const jwt = signer.sign(claims)
const [header = '', payload = '', signature = ''] = jwt.split('.')
const logout = signer.sign(
  {
    ...claims,
    nonce: undefined,
    jti: 'j',
    sid: 's',
    events: { 'http://schemas.openid.net/event/backchannel-logout': {} },
  },
  { typ: 'logout+jwt' },
)
const jwtScraps = [
  ...[
    '.',
    '..',
    '=',
    header,
    payload,
    signature,
    encode({ alg: 'none' }),
    encode({ alg: 'HS256' }),
    encode([]),
    encode(null),
    encode('x'),
  ],
  ...[
    encode({ ...claims, exp: 1e300 }),
    encode({ ...claims, aud: [1, {}] }),
    encode({ iss: {} }),
    'e30',
    'AA',
    '!',
  ],
]
const registration = {
  ...{
    id: 'general',
    iss: base,
    clientId: 'client',
    issuers: ['https://ehr.example.org'],
    origins: ['https://ehr.example.org'],
  },
  quirks: strictQuirks,
}
const check = {
  registration,
  server: { issuer: 'https://ehr.example.org', idTokenSigningAlgs: ['RS256'] },
  keys: createLocalJWKSet({ keys: [signer.jwk] as never }),
  now,
} as never
const rules = { extras: ['extra'], origins: registration.origins, iss: base, baseAliases: [] }
const keys = [Buffer.alloc(32, 7)]
const stateKeys = { keys, audience: 'https://app.example.org', now }
const state = await buildSignedState('x'.repeat(22), stateKeys)
const scopes = [
  'patient/Observation.rs',
  'user/*.cruds',
  'launch',
  'openid',
  'patient/*.read',
  'system/Patient.c?a=b&c=d',
  'offline_access',
  'launch/patient',
]

export const tokenReaders: readonly Reader[] = [
  {
    name: 'signed state',
    scraps: [...jwtScraps, ...state.split('.')],
    samples: [state, jwt],
    async read(text) {
      const read = await laterOutcomeOf(() => verifySignedState(text, stateKeys))
      if ('value' in read) assert.equal(text, state, 'another text is a state of ours')
      else assert.ok(['state_invalid', 'state_expired'].includes(read.code))
      outcomeOf(() => parseOpaqueState(text))
    },
  },
  {
    name: 'packed launch',
    scraps: [' ', 'general', 'ehr', 'standalone', base, '/'],
    samples: [`general ehr ${base} verifier nonce https://app.example.org/redirect /`],
    read(text) {
      const launch = unpackLaunch(text, { launchId: 'x', expiresAt: 1 })
      if (launch) assert.equal(packLaunch(launch), text, 'packed it is another launch')
    },
  },
  {
    name: 'id_token',
    scraps: jwtScraps,
    samples: [jwt, logout],
    async read(text) {
      const expected = { nonce: 'n', accessToken: 'a' }
      const read = await laterOutcomeOf(() => verifyIdToken(text, expected, check))
      if ('value' in read) assert.equal(plain(text), plain(jwt), 'another text is an id_token')
      else assert.equal(read.code, 'bad_id_token')
    },
  },
  {
    name: 'logout token',
    scraps: jwtScraps,
    samples: [logout, jwt],
    async read(text) {
      const address = readAddress(text)
      if (address) assert.ok(Array.isArray(address.audience))
      const read = await laterOutcomeOf(() => verifyLogoutToken(text, check))
      if ('value' in read)
        assert.equal(plain(text), plain(logout), 'another text is a logout token')
      else assert.equal(read.code, 'logout_token_invalid')
    },
    work: readAddress,
  },
  {
    name: 'key set',
    scraps: [
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '"keys":[',
      '"kty":"RSA"',
      '"kty":"oct","k":"AAAA"',
      '"kid":"',
      '"n":"',
      '"e":"AQAB"',
      '"use":"enc"',
      'null',
      '1e300',
      '"__proto__":{}',
      JSON.stringify(signer.jwk),
    ],
    samples: [JSON.stringify({ keys: [signer.jwk] }), '{"keys":[]}', '{"keys":[null,5,{}]}'],
    async read(text) {
      const fetch = async () =>
        new Response(text, { headers: { 'content-type': 'application/json' } })
      const set = createKeySet('https://ehr.example.org/keys', { fetch: fetch as never, now })
      const read = await laterOutcomeOf(() =>
        verifyIdToken(jwt, { nonce: 'n', accessToken: 'a' }, {
          ...(check as object),
          keys: set,
        } as never),
      )
      if ('code' in read)
        assert.ok(['bad_jwks', 'bad_id_token', 'issuer_busy'].includes(read.code), read.code)
    },
  },
  {
    name: 'sealed way to the logout',
    scraps: jwtScraps,
    samples: ['a.b.c.d.e', jwt],
    async read(text) {
      const how = { publicUrl: 'https://app.example.org', keys, now: now() }
      assert.equal(await openFarewell(text, how), undefined, 'somebody else sealed a way')
    },
  },
  {
    name: 'scope',
    scraps: [...scopes, ' ', '/', '.', '*', '?', '&', '=', 'rs', '\t', 'é', 'cruds', 'patient'],
    samples: [scopes.join(' '), 'patient/Observation.rs?category=a|b'],
    read(text) {
      for (const one of splitScope(text)) {
        const scope = parseScope(one)
        if (scope === undefined) continue
        assert.deepEqual(parseScope(printScope(scope)), scope, `${one} is printed as another scope`)
      }
      assert.ok(Array.isArray(missingScopes('launch openid patient/*.cruds', text)))
      assert.deepEqual(missingScopes('', text), [])
      listScopeFaults(text)
      for (const method of ['GET', 'POST', 'DELETE']) findInteraction(method, text)
    },
    work: text => [
      splitScope(text).map(parseScope),
      missingScopes('launch openid patient/*.cruds', text),
    ],
  },
  {
    name: 'launch context',
    scraps: [
      '{',
      '}',
      '[',
      ']',
      ',',
      '"patient":',
      '"encounter":',
      '"fhirContext":',
      '"reference":"',
      '"javascript:x"',
      '"../../x"',
      '"__proto__":{}',
      '5',
      'null',
      '"intent":',
      '"smart_style_url":',
      '"https://a/"',
      '"need_patient_banner":',
    ],
    samples: [
      '{"patient":"1","encounter":"Encounter/2","fhirContext":[{"reference":"Task/1"}]}',
      '{"smart_style_url":"https://a.example/s","intent":"x"}',
    ],
    read(text) {
      let value: unknown
      try {
        value = JSON.parse(text)
      } catch {
        value = {
          patient: text,
          encounter: text,
          fhirContext: [text],
          smart_style_url: text,
          intent: text,
          fhirUser: text,
        }
      }
      const members = (
        typeof value === 'object' && value !== null ? value : { patient: value }
      ) as Record<string, unknown>
      const { context } = parseLaunchContext(new Map(Object.entries(members)), rules)
      for (const id of [context.patient, context.encounter]) {
        assert.ok(id === undefined || (/^[\w.-]{1,64}$/.test(id) && !/^\.+$/.test(id)), String(id))
      }
      for (const { reference = '' } of parseFhirContext(members.fhirContext).items)
        assert.doesNotMatch(reference, /^\s*(?:javascript|data|vbscript):/i)
      parseAuthorizationDetails(value)
      const user = resolveFhirUser({ fhirUser: members.fhirUser ?? text } as never, base)
      assert.ok(user === undefined || /^(?:https?:\/\/|[A-Z])/.test(user), String(user))
    },
  },
  {
    name: 'members',
    scraps: [
      'Patient/',
      '/',
      '_history',
      '..',
      '.',
      'https://',
      '@',
      ':',
      '\t',
      'é',
      '\ud800',
      base,
    ],
    samples: ['Patient/1', '1', `${base}/Patient/1/_history/2`, 'https://a.example/x'],
    read(text) {
      const id = parseResourceId(text, 'Patient', [base])
      assert.ok(id === undefined || /^[\w.-]{1,64}$/.test(id), String(id))
      const url = parseWebUrl(text)
      if (url !== undefined) assert.equal(new URL(url).username, '')
      const kept = parseText(text, 1_000)
      if (kept !== undefined) assert.doesNotMatch(kept, /[\x00-\x1f\x7f]/)
    },
    work: text => [
      parseResourceId(text, 'Patient', [base]),
      parseWebUrl(text),
      parseText(text, 1_000),
    ],
  },
]

/** Base64 is read with spaces in it, and with bits at its end that mean nothing. */
function plain(text: string): string {
  return text
    .split('.')
    .map(part => Buffer.from(part, 'base64url').toString('base64url'))
    .join('.')
}
