import assert from 'node:assert/strict'
import { test } from 'node:test'
import { buildEndSessionUrl } from '../../../src/smart/identity/end-session.ts'
import { buildRegistration } from '../registration.ts'
import { buildServer } from '../server.ts'

const build = (
  endSessionEndpoint: string | undefined,
  how: Parameters<typeof buildEndSessionUrl>[2] = {},
) => buildEndSessionUrl(buildServer({ endSessionEndpoint }), buildRegistration(), how)

test('[O1, O3] names the login and the configured return, on a pinned origin', () => {
  const url = build('https://ehr.test/logout?tenant=1&post_logout_redirect_uri=https://evil.test', {
    idToken: 'a.b.c',
    postLogoutRedirectUri: 'https://app.test/bye',
  })
  assert.deepEqual(Object.fromEntries(new URL(url ?? '').searchParams), {
    tenant: '1',
    client_id: 'fhirstorm',
    id_token_hint: 'a.b.c',
    post_logout_redirect_uri: 'https://app.test/bye',
  })
})

test('[O3] is not there for an endpoint elsewhere, or none', () => {
  for (const endpoint of [undefined, 'https://evil.test/logout', 'javascript:alert(1)', 'junk']) {
    assert.equal(build(endpoint), undefined)
  }
  assert.equal(build('https://ehr.test/logout'), 'https://ehr.test/logout?client_id=fhirstorm')
})
