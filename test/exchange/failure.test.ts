import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BrokerError } from '../../src/errors.ts'
import { toBrokerError } from '../../src/exchange/failure.ts'

const codeOf = (code?: string) => toBrokerError(Object.assign(new Error('secret'), { code })).code

test('what went wrong with an EHR is told by codes alone', () => {
  for (const code of ['ECONNREFUSED', 'ENOTFOUND', 'ADDRESS_REFUSED', 'PROXY_REFUSED']) {
    assert.equal(codeOf(code), 'upstream_unreachable')
  }
  for (const code of [
    'CERT_HAS_EXPIRED',
    'DEPTH_ZERO_SELF_SIGNED_CERT',
    'ERR_TLS_CERT_ALTNAME_INVALID',
  ]) {
    assert.equal(codeOf(code), 'upstream_unreachable')
  }
  assert.equal(codeOf('UND_ERR_HEADERS_TIMEOUT'), 'upstream_timeout')
  for (const code of ['UND_ERR_SOCKET', 'HPE_INVALID_CONSTANT', 'ECONNRESET', undefined]) {
    assert.equal(codeOf(code), 'upstream_broken')
  }
})

test('[PS1] whatever a look-up or a connecting socket fails with, the EHR is unreachable', () => {
  for (const syscall of ['getaddrinfo', 'connect']) {
    for (const code of ['EAI_AGAIN', 'EAI_FAIL', 'EINVAL', 'EPERM']) {
      const error = Object.assign(new Error('secret'), { code, syscall })
      assert.equal(toBrokerError(error).code, 'upstream_unreachable')
    }
  }
})

test('[G3] a refusal stays what it is, and no message of a library is in one', () => {
  const refusal = new BrokerError('body_too_large')
  assert.equal(toBrokerError(refusal), refusal)
  assert.ok(!toBrokerError(new Error('secret')).message.includes('secret'))
})
