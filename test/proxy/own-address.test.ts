import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { buildOwnAddress, measureOwnAddress } from '../../src/proxy/own-address.ts'
import { assertLinear } from '../work/steps.ts'
import { refusalOf } from './refusal.ts'

const sessionId = 'AAAAAAAAAAAAAAAAAAAAAA'
const otherId = 'BBBBBBBBBBBBBBBBBBBBBB'
const base = 'https://ehr.example.org/fhir/r4'
const publicUrl = 'https://app.example.org/bff'
const ours = `${publicUrl}/sessions/${sessionId}/fhir`
const theirs = `${publicUrl}/sessions/${otherId}/fhir`

const measureAt = (url: string, value: string, byAlias = false, isCut = false) => {
  const whose = { own: buildOwnAddress(url), sessionId, byAlias, base }
  let length: number | undefined
  return (
    refusalOf(() => {
      length = measureOwnAddress(value, whose, isCut)
    }) ?? length
  )
}
const measure = (value: string, byAlias = false) => measureAt(publicUrl, value, byAlias)

test('our address of the session is found at the start of a value, as it is usually written', () => {
  const shouted = `HTTPS://App.Example.org:443/bff/sessions/${sessionId}/fhir`
  for (const address of [ours, shouted]) {
    for (const rest of ['', '/Patient/1', '?a=b', '#x', '|1.0', '/Patient/a%20b', '/a/../b']) {
      assert.equal(measure(address + rest), address.length, address + rest)
    }
  }
  assert.equal(measure(`${publicUrl}/fhir/Patient/1`, true), `${publicUrl}/fhir`.length)
})

test('everything else stays', () => {
  const values = [
    ...[
      '',
      'x',
      'hello',
      'https',
      'https://',
      'http://loinc.org',
      'urn:uuid:1',
      '/',
      '//',
      '%',
      '\\',
    ],
    ...[`x${ours}`, `${ours}x`, `${publicUrl}/patients`, publicUrl, `${publicUrl}/sessions/x`],
    ...['https://app.example.org.evil.example/bff/fhir', 'https://app.example.org:8443/bff/fhir/x'],
    ...['https://app.example.org/fhir/x', `${publicUrl}/fhirx`, `${publicUrl}/fhir-ext/x`],
    ...[
      `https://${publicUrl}/fhir`,
      'https://[',
      'https://%',
      'hypertension',
      'h%',
      '//app',
      'Patient/1',
    ],
    ...['https://bücher.example/bff/fhir', 'http://127.1/bff/fhir', `${ours}/../../../logout`],
  ]
  for (const value of values) {
    const expected = value.startsWith(`${ours}/`) ? ours.length : 0
    assert.equal(measure(value), expected, value)
  }
})

const odd = (address: string) => {
  const { host, pathname } = new URL(address)
  return [
    ...[`https:${host}${pathname}`, `https:/${host}${pathname}`, `https:///${host}${pathname}`],
    ...[`//${host}${pathname}`, `\\\\${host}${pathname}`, address.replaceAll('/', '\\')],
    ...[` ${address}`, `\u00a0${address}`, `\ufeff${address}`, `\t${address}`, `\u0000${address}`],
    ...[address.replace('://', ':\n//'), address.replace('ps:', 'p\ts:')],
    ...[`http://${host}${pathname}`, `https://${host}.${pathname}`, `https://x@${host}${pathname}`],
    ...[`https://x:y@${host}:443${pathname}`, `https://${host}:0443${pathname}`],
    ...[
      `https://${host.replace('a', '%61')}${pathname}`,
      `https://${host.replace('.', '。')}${pathname}`,
    ],
    ...[`https://${host.replace('app', 'ａｐｐ')}${pathname}`],
    ...[
      address.replace('/sessions', '/%73essions'),
      address.replace('/sessions', '/x/../sessions'),
    ],
    ...[
      address.replace('/sessions', '/x/%2e%2E/sessions'),
      address.replace('/sessions', '/./sessions'),
    ],
    ...[address.replace('/sessions', '//sessions'), address.replace('/sessions', '%2Fsessions')],
    ...[address.replace('/sessions', '/%2573essions'), address.replace('/fhir', '/fhi%72')],
    ...[encodeURIComponent(address), encodeURIComponent(encodeURIComponent(address))],
    ...[
      `%68${address.slice(1)}`,
      `${address}%2FPatient`,
      `${address};x`,
      `${address},x`,
      `${address} x`,
    ],
  ]
}

test('[P26, K13, P31] an address of another session is refused in every spelling', () => {
  const spellings = [
    theirs,
    theirs.replace('https', 'HTTPS'),
    `${theirs}/Patient/1`,
    ...odd(theirs),
  ]
  const alias = `${publicUrl}/fhir/Patient/1`
  for (const value of [...spellings, alias, ...odd(alias)]) {
    assert.equal(measure(value), 'foreign_reference', JSON.stringify(value))
  }
  for (const value of spellings) assert.equal(measure(value, true), 'foreign_reference', value)
  for (const rest of ['/../../', '/x/../../../', '/%2e%2e/..%2f', '\\..\\..\\', '/..;/../']) {
    const climbing = `${ours}${rest}${otherId}/fhir/Patient/1`
    if (rest !== '/..;/../') assert.equal(measure(climbing), 'foreign_reference', climbing)
  }
})

test('[P31] our own address in an unusual spelling is refused, never sent on', () => {
  for (const value of odd(ours)) {
    assert.equal(measure(value), 'foreign_reference', JSON.stringify(value))
  }
})

test('[P31] hosts of every kind, whichever way they are written', () => {
  const rows: [string, string[]][] = [
    [
      'http://127.0.0.1:5000',
      ['127.1:5000', '2130706433:5000', '0x7f.0.0.1:5000', '127.0.0.1:5000'],
    ],
    ['http://localhost:5000', ['LOCALHOST:5000', 'localhost.:5000', 'loc%61lhost:5000']],
    ['http://[::1]:5000', ['[0:0:0:0:0:0:0:1]:5000', '[::0001]:5000']],
    ['https://bücher.example', ['bücher.example', 'xn--bcher-kva.example', 'BÜCHER.example']],
    [
      'https://bücher.example',
      ['b%C3%BCcher.example', 'bu\u0308cher.example', 'bücher.example:443'],
    ],
  ]
  for (const [url, hosts] of rows) {
    for (const host of hosts) {
      const value = `${new URL(url).protocol}//${host}/sessions/${otherId}/fhir/Patient/1`
      assert.equal(measureAt(url, value), 'foreign_reference', value)
    }
  }
  assert.equal(measureAt('http://localhost:5000', 'http://localhost:5001/sessions/x/fhir'), 0)
})

test('[P31] of a value that is cut, what cannot be told is refused', () => {
  const rows: [string, number | 'foreign_reference'][] = [
    [`${ours}/${'x'.repeat(9)}`, ours.length],
    [`https://${'x'.repeat(70_000)}`, 'foreign_reference'],
    [`${publicUrl}/${'x'.repeat(9)}`, 'foreign_reference'],
    [`${publicUrl}/?${'x'.repeat(9)}`, 0],
    [`http://loinc.org/${'x'.repeat(9)}`, 0],
    ['hello '.repeat(9), 0],
  ]
  for (const [value, expected] of rows) {
    assert.equal(measureAt(publicUrl, value, false, true), expected, value.slice(0, 50))
  }
})

test('[P31] whatever the value, what the web resolves to another session is refused', () => {
  const piece = fc.constantFrom(
    ...[
      'https:',
      'http:',
      '/',
      '//',
      '\\',
      'app.example.org',
      ':443',
      '/bff',
      '/sessions',
      '/fhir',
    ],
    ...[
      `/${otherId}`,
      `/${sessionId}`,
      '..',
      '.',
      '%2e',
      '@',
      'x',
      '%2f',
      '\n',
      '?',
      '#',
      '/Patient',
    ],
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 14 }), pieces => {
      for (const value of [pieces.join(''), theirs.slice(0, 24) + pieces.join('')]) {
        const url = URL.parse(value)
        const path = url?.host === 'app.example.org' ? url.pathname : ''
        const found = /^\/bff(?:\/sessions\/([^/]+))?\/fhir(?:\/|$)/.exec(path)
        if (found && found[1] !== sessionId)
          assert.equal(measure(value), 'foreign_reference', value)
      }
    }),
    { numRuns: 5000 },
  )
})

test('[DS3, P31] judging a value takes work that grows no faster than the value', () => {
  const starts = [
    '',
    'h',
    'https://',
    `${publicUrl}/`,
    `${theirs.slice(0, -5)}/`,
    `${ours}/`,
    '//',
    '%',
  ]
  for (const start of starts) {
    for (const unit of [
      'a',
      '%',
      '%61',
      '%25',
      '/',
      '/.',
      '/..',
      '\\',
      '.',
      ' ',
      '\u00a0',
      '\n',
      '@',
      '+',
    ]) {
      assertLinear(size => void measure(start + unit.repeat(size)), 400, start + unit)
    }
  }
})
