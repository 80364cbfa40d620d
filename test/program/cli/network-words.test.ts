// What `check --online` says of an EHR that cannot be reached.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { explainNetwork } from '../../../program/cli/network-words.ts'

test('a code of the network comes with what it means, and whatever else was said stays as it is', () => {
  const cases: [string | undefined, RegExp][] = [
    ['ENOTFOUND', /^no name server knows this host: ENOTFOUND$/],
    ['ERR_SSL_WRONG_VERSION_NUMBER', /^there is no TLS at this port: /],
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
