import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  buildCorsHeaders,
  buildOwnHosts,
  type CallerHeaders,
  isOwnHost,
  isScript,
  readHost,
  verifyCaller,
} from '../../src/browser/guard.ts'
import { BrokerError } from '../../src/errors.ts'

const own = 'https://app.example.org'
const origins = new Set([own, 'https://spa.example.net'])
const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']
const unsafe = methods.filter(method => method !== 'GET' && method !== 'HEAD')

function judge(
  method: string,
  headers: CallerHeaders,
  embedded = false,
  downloads = false,
): string {
  try {
    verifyCaller(method, headers, { origins, embedded, downloads })
    return 'pass'
  } catch (error) {
    if (error instanceof BrokerError) return error.code
    throw error
  }
}

const fetched = {
  'sec-fetch-site': 'same-origin',
  'sec-fetch-mode': 'cors',
  'sec-fetch-dest': 'empty',
}

test('[X4, X5] the truth table of browsers', () => {
  const rows: [string, CallerHeaders, string][] = [
    ['GET', fetched, 'pass'],
    ['HEAD', fetched, 'pass'],
    ['GET', { ...fetched, 'sec-fetch-mode': 'no-cors' }, 'pass'],
    ['GET', { ...fetched, 'sec-fetch-mode': 'same-origin' }, 'pass'],
    ['POST', { ...fetched, origin: own }, 'pass'],
    ['POST', { ...fetched, 'x-csrf': '1' }, 'pass'],
    ['POST', fetched, 'csrf_header_missing'],
    ['GET', { ...fetched, 'sec-fetch-site': 'same-site' }, 'cross_site'],
    ['GET', { ...fetched, 'sec-fetch-site': 'cross-site' }, 'cross_site'],
    ['GET', { ...fetched, 'sec-fetch-site': 'cross-site', 'x-csrf': '1' }, 'cross_site'],
    ['POST', { ...fetched, 'sec-fetch-site': 'same-site', 'x-csrf': '1' }, 'cross_site'],
    ['GET', { ...fetched, 'sec-fetch-site': 'something-new' }, 'cross_site'],
    ['GET', { ...fetched, 'sec-fetch-site': 'same-origin, cross-site' }, 'cross_site'],
    [
      'POST',
      { ...fetched, 'sec-fetch-site': 'cross-site', origin: 'https://spa.example.net' },
      'pass',
    ],
    [
      'GET',
      { ...fetched, 'sec-fetch-site': 'same-site', origin: 'https://spa.example.net' },
      'pass',
    ],
    ['GET', { 'sec-fetch-site': 'none', 'sec-fetch-mode': 'navigate' }, 'navigation_refused'],
    ['GET', { 'sec-fetch-site': 'none', 'sec-fetch-mode': 'cors' }, 'navigation_refused'],
  ]
  for (const [method, headers, expected] of rows) {
    assert.equal(judge(method, headers), expected, `${method} ${JSON.stringify(headers)}`)
  }
})

test('[X4] only a listed origin passes, whatever else the request says', () => {
  const foreign = [
    'https://evil.example',
    'null',
    'https://app.example.org.evil.example',
    'https://sub.app.example.org',
    'https://app.example.org:444',
    'http://app.example.org',
    'https://APP.example.org',
    'https://app.example.org/',
    'https://app.example.org, https://evil.example',
    '',
  ]
  for (const origin of foreign) {
    for (const method of methods) {
      assert.equal(judge(method, { ...fetched, origin, 'x-csrf': '1' }), 'cross_site', origin)
      assert.equal(judge(method, { origin, 'x-csrf': '1' }), 'cross_site', origin)
    }
  }
})

test('[X3, X15] nothing but fetches and media of our own origin gets FHIR data', () => {
  const refused = [
    ...['document', 'iframe', 'frame', 'fencedframe', 'embed', 'object', 'script', 'style', 'font'],
    ...['worker', 'sharedworker', 'serviceworker', 'audioworklet', 'paintworklet', 'manifest'],
    ...['xslt', 'report', 'track', 'json', 'webidentity', 'something-new', 'image, empty'],
  ]
  for (const dest of refused) {
    assert.equal(judge('GET', { ...fetched, 'sec-fetch-dest': dest }), 'navigation_refused', dest)
  }
  for (const dest of ['image', 'audio', 'video']) {
    assert.equal(judge('GET', { ...fetched, 'sec-fetch-dest': dest }), 'pass')
    const foreign = { ...fetched, 'sec-fetch-dest': dest, 'sec-fetch-site': 'cross-site' }
    assert.equal(judge('GET', foreign), 'cross_site')
    assert.equal(
      judge('POST', { ...fetched, 'sec-fetch-dest': dest, origin: own }),
      'navigation_refused',
    )
  }
  for (const mode of ['navigate', 'nested-navigate', 'websocket']) {
    assert.equal(judge('GET', { ...fetched, 'sec-fetch-mode': mode }), 'navigation_refused')
    assert.equal(judge('GET', { 'sec-fetch-mode': mode }), 'navigation_refused')
  }
})

test('[X3] where files may be saved our own pages may have it done, by GET, and nobody else', () => {
  const saved = { 'sec-fetch-site': 'same-origin', 'sec-fetch-mode': 'navigate' }
  const save = (headers: CallerHeaders, method = 'GET', embedded = false) =>
    judge(method, headers, embedded, true)
  for (const dest of ['empty', 'document']) {
    const headers = { ...saved, 'sec-fetch-dest': dest }
    assert.equal(save(headers), 'pass')
    assert.equal(save(headers, 'GET', true), 'pass')
    assert.equal(judge('GET', headers), 'navigation_refused', 'elsewhere')
    for (const method of methods.filter(name => name !== 'GET')) {
      assert.equal(save(headers, method), 'navigation_refused', method)
    }
    for (const site of ['same-site', 'cross-site']) {
      assert.equal(save({ ...headers, 'sec-fetch-site': site }), 'cross_site')
    }
    assert.equal(save({ ...headers, 'sec-fetch-site': 'none' }), 'navigation_refused')
    assert.equal(save({ ...headers, 'sec-fetch-mode': 'nested-navigate' }), 'navigation_refused')
  }
  for (const dest of ['iframe', 'frame', 'embed', 'object', 'script', 'worker', undefined]) {
    assert.equal(save({ ...saved, 'sec-fetch-dest': dest }), 'navigation_refused', dest)
  }
})

test('[X2, X6] callers without Sec-Fetch-Site read freely and write with our Origin or the header', () => {
  for (const method of ['GET', 'HEAD']) {
    assert.equal(judge(method, {}), 'pass')
    assert.equal(judge(method, { 'sec-fetch-mode': 'cors' }), 'pass', "Node's fetch")
  }
  for (const method of unsafe) {
    assert.equal(judge(method, {}), 'csrf_header_missing')
    assert.equal(judge(method, { 'sec-fetch-mode': 'cors' }), 'csrf_header_missing')
    for (const value of ['0', '', 'true', '1, 1', ' 1']) {
      assert.equal(judge(method, { 'x-csrf': value }), 'csrf_header_missing')
    }
    assert.equal(judge(method, { 'x-csrf': '1' }), 'pass')
    assert.equal(judge(method, { origin: own }), 'pass')
  }
})

test('[K17] in a frame of the EHR even a read without Sec-Fetch-Site needs Origin or the header', () => {
  assert.equal(judge('GET', {}, true), 'csrf_header_missing')
  assert.equal(judge('GET', { 'x-csrf': '1' }, true), 'pass')
  assert.equal(judge('GET', { origin: own }, true), 'pass')
  assert.equal(judge('GET', fetched, true), 'pass')
  assert.equal(judge('POST', fetched, true), 'csrf_header_missing')
})

test('[X4, X6] whatever passes comes from us, or is a read of a caller that is no browser', () => {
  const value = (...known: string[]) =>
    fc.option(fc.oneof(fc.constantFrom(...known), fc.string()), { nil: undefined })
  const headers = fc.record({
    origin: value(own, 'https://evil.example', 'null'),
    'sec-fetch-site': value('same-origin', 'same-site', 'cross-site', 'none'),
    'sec-fetch-mode': value('cors', 'no-cors', 'navigate', 'same-origin'),
    'sec-fetch-dest': value('empty', 'image', 'script', 'document'),
    'x-csrf': value('1', '0'),
  })
  fc.assert(
    fc.property(fc.constantFrom(...methods), headers, fc.boolean(), (method, sent, embedded) => {
      if (judge(method, sent, embedded) !== 'pass') return
      const isOurs = sent.origin !== undefined && origins.has(sent.origin)
      const site = sent['sec-fetch-site']
      const isRead = method === 'GET' || method === 'HEAD'
      assert.ok(sent.origin === undefined || isOurs)
      assert.ok(isOurs || site === undefined || site === 'same-origin')
      assert.ok(isOurs || sent['x-csrf'] === '1' || isRead)
      assert.ok(!embedded || isOurs || sent['x-csrf'] === '1' || site === 'same-origin')
      assert.notEqual(sent['sec-fetch-mode'], 'navigate')
    }),
    { numRuns: 3000 },
  )
})

test('a script is a caller without Sec-Fetch-Site', () => {
  assert.equal(isScript({}), true)
  assert.equal(isScript({ 'sec-fetch-mode': 'cors' }), true)
  assert.equal(isScript({ 'sec-fetch-site': 'same-origin' }), false)
})

test('[P6] serves the hosts of the public URL and of the frontend, sent once, and no other', () => {
  const hosts = buildOwnHosts(['https://app.example.org/bff', 'http://localhost:5173'])
  const isOwn = (...raw: string[]) => {
    const host = readHost(raw)
    return host !== undefined && isOwnHost(host, hosts)
  }
  assert.ok(isOwn('Accept', '*/*', 'Host', 'app.example.org'))
  assert.ok(isOwn('host', 'APP.example.org:443'))
  assert.ok(isOwn('HOST', 'localhost:5173'))
  assert.ok(isOwn(':authority', 'app.example.org', 'host', 'app.example.org'))
  assert.ok(!isOwn(':authority', 'app.example.org', 'host', 'localhost:5173'))
  for (const host of [
    'app.example.org:80',
    'evil.example',
    'localhost',
    '127.0.0.1',
    'a@b/../"<x>',
    '',
  ]) {
    assert.ok(!isOwn('Host', host), host)
  }
  assert.ok(!isOwn('Accept', '*/*'))
  assert.ok(!isOwn('Host', 'app.example.org', 'Host', 'app.example.org'))
  assert.ok(!isOwn('Host', 'app.example.org', 'hOST', 'evil.example'))
})

test('[X7] an answer names one origin, never a wildcard', () => {
  const headers = buildCorsHeaders('https://spa.example.net')
  assert.equal(
    headers[headers.indexOf('access-control-allow-origin') + 1],
    'https://spa.example.net',
  )
  assert.ok(!headers.includes('*'))
  const exposed = headers[headers.indexOf('access-control-expose-headers') + 1] ?? ''
  for (const name of ['ETag', 'Location', 'Content-Location', 'Retry-After', 'Proxy-Status']) {
    assert.ok(exposed.split(', ').includes(name), name)
  }
})
