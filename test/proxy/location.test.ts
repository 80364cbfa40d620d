import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Addresses, rewriteLinks, toOwnAddress } from '../../src/proxy/location.ts'
import { parseUpstreamBase } from '../../src/proxy/target.ts'

const base = 'https://ehr.example.org/fhir/r4'
const ours = 'https://app.example.org/bff/sessions/AAAAAAAAAAAAAAAAAAAAAA/fhir'
const addresses: Addresses = {
  bases: [base, 'http://internal:8080/fhir'].map(parseUpstreamBase),
  asked: `${base}/Patient`,
  ours,
}

test('[R2, R17] an address below the base becomes ours, relative ones too', () => {
  const rows: [string, string][] = [
    [`${base}/Patient/1/_history/1`, '/Patient/1/_history/1'],
    ['https://EHR.example.org:443/fhir/r4/Patient/1?a=b', '/Patient/1?a=b'],
    [base, ''],
    ['http://internal:8080/fhir/Patient/1', '/Patient/1'],
    ['/fhir/r4/Patient/1', '/Patient/1'],
    ['Patient/1', '/Patient/1'],
    ['//ehr.example.org/fhir/r4/x', '/x'],
    ['?a=b', '/Patient?a=b'],
    [`${base}/Patient/1#x`, '/Patient/1'],
    ['', '/Patient'],
  ]
  for (const [value, rest] of rows) assert.equal(toOwnAddress(value, addresses), ours + rest, value)
})

test('[R2, R17] every other address is dropped', () => {
  const rows = [
    ...['https://evil.example/fhir/r4/Patient/1', '//evil.example/x', 'javascript:alert(1)'],
    ...['https://ehr.example.org.evil.example/fhir/r4', 'https://ehr.example.org/fhir/r4x/Patient'],
    ...['https://ehr.example.org/admin', '/fhir/r4/../../admin', '../../x', 'http://['],
    ...['http://ehr.example.org/fhir/r4/x', 'https://ehr.example.org:8443/fhir/r4/x'],
    ...['https://user:pass@ehr.example.org/fhir/r4/x'],
  ]
  for (const value of rows) assert.equal(toOwnAddress(value, addresses), undefined, value)
})

test('[Q50] an address that we would refuse when it comes back is none of ours', () => {
  const rows = [`${base}//Patient//1`, `${base}/a%2fb`, `${base}/x?_format=html`, `${base}/x?a=%00`]
  for (const value of rows) assert.equal(toOwnAddress(value, addresses), undefined, value)
  assert.equal(toOwnAddress(`${base}/x?a?b`, addresses), `${ours}/x?a?b`)
})

test('[R5] Link keeps the pages of a search and nothing that a browser would load', () => {
  const sent = [
    `<${base}?p=1>; rel="self"`,
    `<${base}?p=2>;rel=next`,
    '<https://evil.example/>; rel="next"',
    `<${base}/x.js>; rel=preload; as=script`,
  ]
  assert.equal(
    rewriteLinks(sent.join(', '), addresses),
    `<${ours}?p=1>; rel="self", <${ours}?p=2>; rel="next"`,
  )
  for (const value of ['', 'nonsense', `<${base}>`, `<${base}>; rel=stylesheet`]) {
    assert.equal(rewriteLinks(value, addresses), undefined)
  }
  assert.equal(rewriteLinks('<'.repeat(10_000), addresses), undefined)
})

test('[R23] an address of ours is made of the characters of addresses', () => {
  const odd = `${base}/Patient/a|b?x={"a":\\^}\`'#<>`
  assert.match(toOwnAddress(odd, addresses) ?? '', /^[A-Za-z0-9\-._~:/?#[\]@!$&'()*+,;=%]+$/)
})
