import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
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

test('[Q33] carries the id_token up to four kilobytes of address, and the client id always', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 20_000 }), length => {
      const url = build('https://ehr.test/logout', { idToken: 'x'.repeat(length) }) ?? ''
      const { searchParams } = new URL(url)
      assert.ok(url.length <= 4096)
      assert.equal(searchParams.get('client_id'), 'fhirstorm')
      assert.equal(searchParams.has('id_token_hint'), length < 4000 || url.length > 3000)
    }),
  )
})
