// What `check --online` says of an EHR that cannot be reached.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { explainNetwork } from '../../../program/cli/network-words.ts'
import { createAuthority } from '../../network/certificates.ts'
import { egress, peerOf, refused } from '../../network/egress-rig.ts'
import { listen } from '../../network/listen.ts'

test('a code of the network comes with what it means, and whatever else was said stays as it is', () => {
  const cases: [string | undefined, RegExp][] = [
    ['ENOTFOUND', /^no name server knows this host: ENOTFOUND$/],
    ['ERR_SSL_WRONG_VERSION_NUMBER', /^there is no TLS at this port: /],
    [
      'ERR_SSL_UNSAFE_LEGACY_RENEGOTIATION_DISABLED',
      /^its TLS is from before RFC 5746, .*: ERR_SSL_/,
    ],
    ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', /: clientCertificate names one: ERR_SSL_TLSV13/],
    ['CERT_HAS_EXPIRED', /^its certificate has expired: /],
    ['ERR_TLS_CERT_ALTNAME_INVALID', /^its certificate is for another name: /],
    ['SELF_SIGNED_CERT_IN_CHAIN', /caFile names a CA: SELF_SIGNED_CERT_IN_CHAIN$/],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', /caFile names a CA: /],
    ['ADDRESS_REFUSED', /network: private lets us there$/],
    ['smart-configuration: status 404', /^smart-configuration: status 404$/],
  ]
  for (const [detail, words] of cases) {
    assert.match(explainNetwork(detail, { network: { reach: 'public' } }) ?? '', words)
  }
  assert.equal(explainNetwork(undefined, { network: { reach: 'public' } }), undefined)
  const within = explainNetwork('ADDRESS_REFUSED', { network: { reach: 'private' } })
  assert.match(within ?? '', /metadata service: ADDRESS_REFUSED$/)
})

test('a server that speaks an old TLS alone is told of in words', async t => {
  const authority = createAuthority()
  const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL:@SECLEVEL=0' } as const
  const tls = { ...authority.issue('IP:127.0.0.1'), ...old }
  const server = await listen(t, (_, response) => response.end('{}'), tls)
  const network = { reach: 'public', ca: authority.ca } as const
  const fetch = egress(t, peerOf(server.origin, { network }))
  const { detail } = await refused(fetch(`${server.origin}/`), 'issuer_unreachable')
  assert.match(explainNetwork(detail, { network }) ?? '', /^it has no version or cipher of TLS in/)
})
