// Return paths: local ones are kept byte for byte, everything else becomes the default.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { buildLandingUrl, parseReturnTo } from '../../src/browser/return-to.ts'

const frontend = { origin: 'https://app.example.org', returnTo: '/home' }

test('[L23, AL-06] keeps plain local paths byte for byte', () => {
  for (const path of [
    '/',
    '/app',
    '/app?tab=1&x=%20y',
    '/app#part',
    '/a/b-c_d~e.html',
    '/%C3%A4',
  ]) {
    assert.equal(parseReturnTo(path, frontend), path)
  }
})

test('[L23, AL-06] ignores every way to another origin', () => {
  const hostile = [
    ...['//evil.test', '///evil.test', '/\\evil.test', '\\\\evil.test', '/\\/evil.test'],
    ...['https://evil.test', 'https:evil.test', 'http:/evil.test', 'javascript:alert(1)'],
    ...['/%5cevil.test', '/%5Cevil.test', '/%2f/evil.test', '/%2F%2Fevil.test', '/%09/evil.test'],
    ...['/..//evil.test', '/.//evil.test', '/a/../..//evil.test', '/%2e%2e//evil.test'],
    ...['/\tevil', '/a\r\nSet-Cookie: x=1', '/a%0d%0aSet-Cookie:%20x=1', '/ /evil.test', ' /app'],
    ...['', 'app', '?x', '#x', '.', '..', '@evil.test', ':80', '/<script>', '/a"b', '/\u2215evil'],
    ...['/%', '/%zz', '/%00', '/\u0000', '/%7f', `/${'a'.repeat(600)}`],
    ...['data:text/html,x', 'vbscript:x', 'file:///etc/passwd', '//user@evil.test', '/\\\\\\evil'],
    ...['////evil.test/%2f..', '/%5c%5cevil.test', '/%2f%5cevil.test', '/;@evil.test/../..//x'],
  ]
  for (const path of hostile) {
    assert.equal(parseReturnTo(path, frontend), '/home', JSON.stringify(path))
  }
  for (const value of [undefined, null, 1, ['/app'], { path: '/app' }]) {
    assert.equal(parseReturnTo(value, frontend), '/home')
  }
})

test('[L23] an address at an origin of the frontend is kept, one that only looks like it is not', () => {
  const several = {
    ...frontend,
    otherOrigins: ['https://b.example.org:8443', 'http://localhost:3'],
  }
  for (const [asked, kept] of [
    ['https://app.example.org/x?y=1#z', '/x?y=1#z'],
    ['https://b.example.org:8443/x?y=1', 'https://b.example.org:8443/x?y=1'],
    ['http://localhost:3/', 'http://localhost:3/'],
  ] as const) {
    assert.equal(parseReturnTo(asked, several), kept)
  }
  for (const asked of [
    ...['https://b.example.org/x', 'https://b.example.org:8443', 'https://b.example.org:84433/'],
    ...[
      'http://b.example.org:8443/',
      'https://b.example.org:8443@evil.test/',
      'http://localhost:33/',
    ],
    ...['https://b.example.org:8443//evil.test', 'https://b.example.org:8443/\\evil.test'],
    ...[
      'https://B.example.org:8443/',
      'https://b.example.org:8443/%5cevil.test',
      'http://localhost:3/..//x',
    ],
    ...[
      'https://b.example.org:8443/%0d%0ax',
      'https://b.example.org:8443.evil.test/',
      'https://evil.test/',
    ],
    `http://localhost:3/${'a'.repeat(600)}`,
  ]) {
    assert.equal(parseReturnTo(asked, several), '/home', asked)
  }
})

test('[L23, C14] whatever is asked, the landing address lies on the configured origin', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.webUrl(), fc.webPath()), asked => {
      const landing = buildLandingUrl(parseReturnTo(asked, frontend), frontend.origin, {
        session: 'abc',
      })
      return new URL(landing).origin === frontend.origin
    }),
    { numRuns: 2000 },
  )
})

test('the landing address names the session once, replacing what was there', () => {
  const landing = (path: string) =>
    buildLandingUrl(path, frontend.origin, { session: 'new' }).replace(frontend.origin, '')
  assert.equal(landing('/app?session=old&session=older&x=1#here'), '/app?x=1&session=new#here')
  assert.equal(landing('/app?error=access_denied'), '/app?session=new')
  assert.equal(
    buildLandingUrl('/app?session=old', frontend.origin, { error: 'access_denied' }),
    'https://app.example.org/app?error=access_denied',
  )
})
