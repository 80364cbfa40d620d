// Cookie names, attributes and strict reading.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { buildCookieAttributes, buildCookieNames, readCookie } from '../../src/browser/cookies.ts'

const id = 'AAAAAAAAAAAAAAAAAAAAAA'

test('reads a cookie by its whole name and nothing else', () => {
  assert.equal(readCookie('a=1; fhirstorm-x=2; b=3', 'fhirstorm-x'), '2')
  assert.equal(readCookie('fhirstorm-xy=2', 'fhirstorm-x'), undefined)
  assert.equal(readCookie('y=fhirstorm-x=2', 'fhirstorm-x'), undefined)
  assert.equal(readCookie('a=1;fhirstorm-x=a=b', 'fhirstorm-x'), 'a=b')
  assert.equal(readCookie(undefined, 'fhirstorm-x'), undefined)
  assert.equal(readCookie('', 'fhirstorm-x'), undefined)
})

test('[K8] a cookie sent twice is none', () => {
  assert.equal(readCookie('t=evil; t=good', 't'), undefined)
  assert.equal(readCookie('t=same; x=1; t=same', 't'), undefined)
})

test('[K9] look-alikes of a name are not taken for it', () => {
  const name = '__Host-fhirstorm-browser'
  const alike = [
    '__HOST-fhirstorm-browser=x',
    '%5F_Host-fhirstorm-browser=x',
    '\u00a0__Host-fhirstorm-browser=x',
    '\u2000__Host-fhirstorm-browser=x',
    '=__Host-fhirstorm-browser=x',
    '$Version=1; "__Host-fhirstorm-browser"=x',
    '__Host-fhirstorm-browser =x',
  ]
  for (const header of alike) assert.equal(readCookie(header, name), undefined, header)
})

test('reading never throws and finds what was set, among anything', () => {
  const token = fc.stringMatching(/^[A-Za-z0-9_.-]{1,20}$/)
  fc.assert(
    fc.property(fc.array(fc.tuple(token, token), { maxLength: 8 }), token, (others, value) => {
      const pairs = others.filter(([name]) => name !== 'wanted').map(pair => pair.join('='))
      return readCookie([...pairs, `wanted=${value}`].join('; '), 'wanted') === value
    }),
  )
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), header => {
      readCookie(header, 't')
      buildCookieNames(true).tickets(header)
    }),
  )
})

test('lists the ids of ticket and launch cookies apart from each other', () => {
  const names = buildCookieNames(true)
  const other = 'BBBBBBBBBBBBBBBBBBBBBB'
  const header = [
    `${names.ticket(id)}=x`,
    `${names.launch(other)}=y`,
    `${names.browser}=z`,
    `fhirstorm-${other}=plain`,
    '__Host-fhirstorm-short=1',
    '__proto__=1',
  ].join('; ')
  assert.deepEqual([...names.tickets(header).keys()], [id])
  assert.deepEqual([...names.launches(header).keys()], [other])
})

test('a list of cookies says of each what reading it alone says', () => {
  const names = buildCookieNames(true)
  const scrap = fc.constantFrom(
    ...[
      names.ticket(id),
      names.launch(id),
      '=',
      '=x',
      ' ',
      '\t',
      ';',
      '; ',
      'y',
      '"',
      names.browser,
    ],
  )
  fc.assert(
    fc.property(fc.array(scrap, { maxLength: 12 }), scraps => {
      const header = scraps.join('')
      const alone = (name: string) => readCookie(header, name)
      assert.equal(names.tickets(header).get(id), alone(names.ticket(id)), header)
      assert.equal(names.launches(header).get(id), alone(names.launch(id)), header)
    }),
    { numRuns: 5000 },
  )
})

test('[K1] tickets are Strict, launch and browser cookies Lax, all HttpOnly, Secure, Path=/', () => {
  const options = { secure: true, embedded: false, ticketSameSite: 'strict' as const }
  const fixed = { path: '/', httpOnly: true, secure: true }
  assert.deepEqual(buildCookieAttributes('ticket', options), { ...fixed, sameSite: 'strict' })
  assert.deepEqual(buildCookieAttributes('launch', options), { ...fixed, sameSite: 'lax' })
  assert.deepEqual(buildCookieAttributes('browser', options), { ...fixed, sameSite: 'lax' })
  assert.match(buildCookieNames(true).ticket(id), /^__Host-/)
})

test('[K17, Q2] in a frame of the EHR every cookie is None, Secure and Partitioned', () => {
  for (const kind of ['ticket', 'launch', 'browser'] as const) {
    assert.deepEqual(
      buildCookieAttributes(kind, { secure: false, embedded: true, ticketSameSite: 'strict' }),
      { path: '/', httpOnly: true, secure: true, sameSite: 'none', partitioned: true },
    )
  }
})
