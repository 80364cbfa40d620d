import assert from 'node:assert/strict'
import { test } from 'node:test'
import { describeFault, faultCodes } from '../../src/errors.ts'
import { buildOutcome, buildProxyStatus } from '../../src/proxy/outcome.ts'

test('a refusal is an OperationOutcome with its code and fixed text', () => {
  for (const code of faultCodes) {
    const { contentType, body } = buildOutcome(code, undefined, '/fhir/Patient')
    assert.equal(contentType, 'application/fhir+json; charset=utf-8')
    const { resourceType, issue } = JSON.parse(body)
    assert.equal(resourceType, 'OperationOutcome')
    assert.equal(issue[0].severity, 'error')
    assert.match(issue[0].code, /^[a-z-]+$/)
    assert.equal(issue[0].details.coding[0].code, code)
    assert.equal(issue[0].details.text, describeFault(code).message)
    const xml = buildOutcome(code, 'application/fhir+xml', '/').body
    assert.match(
      xml,
      /^<OperationOutcome xmlns="http:\/\/hl7.org\/fhir"><issue><severity value="error"\/>/,
    )
    assert.ok(!/[<&]/.test(describeFault(code).message), 'the texts need no escapes in XML')
  }
})

test('the format is that of _format, then the best of Accept, else JSON', () => {
  const json = 'application/fhir+json; charset=utf-8'
  const xml = 'application/fhir+xml; charset=utf-8'
  const rows: [string | undefined, string, string][] = [
    [undefined, '/', json],
    ['*/*', '/', json],
    ['application/fhir+xml', '/', xml],
    ['text/xml', '/', xml],
    ['application/json+fhir', '/', 'application/json+fhir; charset=utf-8'],
    ['application/xml+fhir', '/', 'application/xml+fhir; charset=utf-8'],
    ['application/fhir+xml;q=0.5, application/fhir+json', '/', json],
    ['application/fhir+json;q=0.5, application/fhir+xml;q=0.9', '/', xml],
    ['application/fhir+xml, application/fhir+json', '/', xml],
    ['application/fhir+xml;q=0', '/', json],
    ['application/fhir+json', '/x?_format=xml', xml],
    ['application/fhir+xml', '/x?a=b&_format=json', json],
    ['application/fhir+xml', '/x?_format=application/fhir+json', json],
    [
      'application/fhir+xml',
      '/x?_format=application%2Fjson%2Bfhir',
      'application/json+fhir; charset=utf-8',
    ],
    ['application/fhir+xml', '/x?_format=html', xml],
    ['text/html', '/x?_format=%zz', json],
    ['__proto__', '/x?_format=constructor', json],
  ]
  for (const [accept, target, expected] of rows) {
    assert.equal(buildOutcome('session_invalid', accept, target).contentType, expected)
  }
})

test('Proxy-Status names us, an error type of RFC 9209 and the code', () => {
  const registered = new Set([
    ...[
      'destination_unavailable',
      'connection_limit_reached',
      'http_request_error',
      'http_request_denied',
    ],
    ...[
      'http_protocol_error',
      'http_response_timeout',
      'http_response_content_coding',
      'http_upgrade_failed',
    ],
    ...['proxy_internal_error', 'proxy_configuration_error'],
  ])
  for (const code of faultCodes) {
    const [, error = ''] =
      /^fhirstorm; error=([a-z_]+); details="[a-z_]+"$/.exec(buildProxyStatus(code)) ?? []
    assert.ok(registered.has(error), `${code}: ${error}`)
  }
  assert.equal(
    buildProxyStatus('upstream_timeout'),
    'fhirstorm; error=http_response_timeout; details="upstream_timeout"',
  )
})
