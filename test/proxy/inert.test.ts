import assert from 'node:assert/strict'
import { test } from 'node:test'
import { buildContentHeaders, securityHeaders } from '../../src/proxy/inert.ts'
import { parseMediaType } from '../../src/proxy/media-type.ts'

const build = (sent: string | undefined) => buildContentHeaders(parseMediaType(sent))

test('[R3] only what FHIR itself is made of is shown as it is', () => {
  const shown = [
    ...['application/fhir+json', 'application/json+fhir;charset=utf-8', 'application/json'],
    ...[
      'application/fhir+xml',
      'application/xml+fhir',
      'application/fhir+ndjson',
      'application/ndjson',
    ],
    ...['text/event-stream', 'application/fhir+turtle'],
  ]
  for (const type of shown) assert.deepEqual(build(type), ['content-type', type])
  const attached = [
    ...[
      'text/html',
      'TEXT/HTML; charset=utf-8',
      'application/xhtml+xml',
      'image/svg+xml',
      'text/xml',
    ],
    ...[
      'application/xml',
      'application/pdf',
      'text/javascript',
      'application/javascript',
      'text/css',
    ],
    ...['text/plain', 'image/png', 'multipart/mixed; boundary=x', 'application/octet-stream'],
    ...[
      'application/fhir+json; charset=utf-7',
      'application/fhir+xml;charset=utf-16',
      'text/vbscript',
    ],
    ...['application/x-shockwave-flash', 'message/rfc822', 'application/wasm'],
  ]
  for (const type of attached) {
    assert.deepEqual(build(type), ['content-type', type, 'content-disposition', 'attachment'], type)
  }
  for (const type of [undefined, '', '/json', 'nonsense', 'text/html x']) {
    const [, shownAs, , disposition] = build(type)
    assert.equal(shownAs, 'application/octet-stream')
    assert.equal(disposition, 'attachment')
  }
})

test('[R4, R21, X11] every answer is unsniffed, uncached, unframed and sandboxed', () => {
  const headers = Object.fromEntries(
    securityHeaders.flatMap((name, i) => (i % 2 === 0 ? [[name, securityHeaders[i + 1]]] : [])),
  )
  assert.equal(headers['x-content-type-options'], 'nosniff')
  assert.equal(headers['cache-control'], 'no-store, private')
  assert.match(
    headers['content-security-policy'] ?? '',
    /default-src 'none'; sandbox; frame-ancestors 'none'/,
  )
  assert.equal(headers['cross-origin-resource-policy'], 'same-origin')
  assert.equal(headers['cross-origin-opener-policy'], 'same-origin')
})
