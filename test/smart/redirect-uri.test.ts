import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { resolveQuirks } from '../../src/smart/quirks.ts'
import {
  chooseRedirectPath,
  isFromIssuer,
  listRedirectFaults,
  requireNamedIssuer,
  requireOwnRedirect,
} from '../../src/smart/redirect-uri.ts'
import type { AuthorizationServer, Registration } from '../../src/smart/types.ts'
import { buildRegistration } from './registration.ts'
import { buildServer } from './server.ts'

test('[C2] alone, an EHR has the plain redirect URI; among others each has its own', () => {
  assert.equal(chooseRedirectPath('general', 1), '/redirect')
  assert.equal(chooseRedirectPath('general', 2), '/redirect/general')
})

test('[C2] registrations without a fault are told apart by their redirect URIs or by their names', () => {
  const registration = fc.record({
    redirectUri: fc.constantFrom('/redirect', '/redirect/a', '/redirect/b'),
    responseIss: fc.option(fc.constantFrom('https://a.test', 'https://b.test', 'https://c.test'), {
      nil: undefined,
    }),
  })
  const registrations = fc
    .array(registration, { maxLength: 5 })
    .map(list => list.map((entry, i) => ({ id: `ehr${i}`, ...entry })))
  fc.assert(
    fc.property(registrations, list => {
      const faults = listRedirectFaults(list)
      const isOpen = list.some((one, i) =>
        list.some(
          (other, j) =>
            i !== j &&
            one.redirectUri === other.redirectUri &&
            (one.responseIss === undefined || one.responseIss === other.responseIss),
        ),
      )
      assert.equal(faults.length > 0, isOpen)
      for (const { index, setting } of faults) {
        assert.equal(setting === 'redirectUri', list[index]?.responseIss === undefined)
      }
    }),
  )
})

test('[C3] a name that is required must be announced, and must be the one that is announced', () => {
  const responseIss = 'https://ehr.test/oauth2'
  const require = (server: Parameters<typeof buildServer>[0], required?: string) =>
    requireNamedIssuer(buildRegistration({ responseIss: required }), buildServer(server))
  require({ issParameterSupported: false })
  require({ issParameterSupported: true }, responseIss)
  require({ issParameterSupported: true, issuer: 'x', issuerAnnounced: false }, responseIss)
  for (const server of [
    { issParameterSupported: false },
    { issParameterSupported: true, issuer: 'https://ehr.test/oauth2/' },
  ]) {
    const refused = { code: 'issuer_unnamed', ehr: 'general' }
    assert.throws(() => require(server, responseIss), refused)
  }
})

test('[C2, C3] where a name is required no other passes, and neither does silence', () => {
  const responseIss = 'https://ehr.test/oauth2'
  const registration = buildRegistration({ responseIss, issuers: ['https://other.test'] })
  for (const issParameterSupported of [true, false]) {
    const server = buildServer({ issParameterSupported, issuer: 'https://announced.test' })
    const passes = (iss?: string) => isFromIssuer(iss, registration, server)
    assert.ok(passes(responseIss))
    for (const iss of [undefined, '', 'https://other.test', 'https://announced.test', 'x']) {
      assert.ok(!passes(iss), String(iss))
    }
  }
})

test('[C3, Q8] a server that tells its name in its answers alone is taken for itself, on its origins', () => {
  const origins = ['https://ehr.test', 'https://login.ehr.test']
  const unnamed = { issuer: 'https://ehr.test/fhir/r4', issuerAnnounced: false }
  const realm = 'https://login.ehr.test/realms/clinic'
  const names = ['https://evil.test/realms/clinic', 'realms/clinic', '', 'null', `${realm}/`]
  const pass = (server: Partial<AuthorizationServer>, more: Partial<Registration> = {}) =>
    [realm, ...names].filter(iss =>
      isFromIssuer(iss, buildRegistration({ origins, ...more }), buildServer(server)),
    )
  assert.deepEqual(pass(unnamed), [realm, `${realm}/`])
  assert.deepEqual(pass({ ...unnamed, issParameterSupported: true }), [])
  assert.deepEqual(pass(unnamed, { issuers: [realm] }), [realm])
  assert.deepEqual(pass(unnamed, { responseIss: realm }), [realm])
  assert.deepEqual(pass({ issuer: 'https://ehr.test/oauth2' }), [])
  const quirks = resolveQuirks({ issuerTrailingSlash: 'ignore' })
  assert.deepEqual(pass({ issuer: realm }, { quirks }), [realm, `${realm}/`])
  assert.deepEqual(pass(unnamed, { issuers: [realm], quirks }), [realm, `${realm}/`])
})

test('[C2] an answer is heard at the redirect URI that was asked for and is registered, and nowhere else', () => {
  const [own, other] = ['https://app.test/redirect/general', 'https://app.test/redirect/other']
  const iss = 'https://ehr.test/r4'
  const hear = (asked: string, pending: string, registered: string, at = iss) =>
    requireOwnRedirect(
      asked,
      { redirectUri: pending, iss: at },
      buildRegistration({ redirectUri: registered, iss }),
    )
  hear(own, own, own)
  hear(own, own, own, 'https://EHR.test:443/r4/')
  for (const uris of [
    [other, own, own],
    [own, other, own],
    [own, own, other],
    [other, other, own],
    [own, other, other],
  ] as const)
    assert.throws(() => hear(...uris), { code: 'issuer_mismatch', ehr: 'general' })
  // What was asked is another EHR now, under the same id.
  for (const before of ['https://ehr.test/dstu2', 'https://other.test/r4', '']) {
    assert.throws(() => hear(own, own, own, before), { code: 'issuer_mismatch', ehr: 'general' })
  }
})
