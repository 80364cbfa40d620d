import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { buildOwnAddress, type Grammar, restoreAddress } from '../../src/proxy/own-address.ts'
import { buildNeedles, rewriteDocument } from '../../src/proxy/rewrite.ts'
import { refusalOf } from './refusal.ts'

const publicUrl = 'https://app.example.org/bff'
const sessionId = 'AAAAAAAAAAAAAAAAAAAAAA'
const ours = `${publicUrl}/sessions/${sessionId}/fhir`
const others = `${publicUrl}/sessions/BBBBBBBBBBBBBBBBBBBBBB/fhir`
const base = 'https://ehr.example.org/fhir/r4'
const own = buildOwnAddress(publicUrl)

const restore = (grammar: Grammar, text: string, byAlias = false) =>
  restoreAddress(grammar, text, own, { sessionId, byAlias, base })

test('values under our address are asked of the EHR by its own', () => {
  const shouted = `HTTPS://App.Example.org:443/bff/sessions/${sessionId}/fhir/x`
  const rows: [Grammar, string, string][] = [
    ['json', `{"reference":"${ours}/Patient/1"}`, `{"reference":"${base}/Patient/1"}`],
    ['json', `["${ours}", "${ours}?a=b"]`, `["${base}", "${base}?a=b"]`],
    ['json', `{"x" : "${ours.replaceAll('/', '\\/')}\\/x"}`, `{"x" : "${base}\\/x"}`],
    ['json', `{"a":"${shouted}"}`, `{"a":"${base}/x"}`],
    ['xml', `<reference value="${ours}/x"/>`, `<reference value="${base}/x"/>`],
    ['xml', `<extension url='${ours}'/>`, `<extension url='${base}'/>`],
    ['query', `a=${ours}/Patient/1&x=${ours},${ours}/y`, `a=${base}/Patient/1&x=${base},${base}/y`],
    [
      'query',
      `subject=${encodeURIComponent(`${ours}/Patient/1`)}&a=b`,
      `subject=${encodeURIComponent(base)}%2FPatient%2F1&a=b`,
    ],
    ['query', `a=x%7C${encodeURIComponent(ours)}%2C1`, `a=x%7C${encodeURIComponent(base)}%2C1`],
  ]
  for (const [grammar, text, expected] of rows) assert.equal(restore(grammar, text), expected)
})

test('everything else stays: look-alikes, other pages of ours, narrative', () => {
  const rows: [Grammar, string][] = [
    ['json', `{"a":"${ours}x"}`],
    ['json', `{"a":"x${ours}/x"}`],
    ['json', `{"a":"${publicUrl}/patients"}`],
    ['json', `{"a":"${publicUrl}.evil.example/sessions/${sessionId}/fhir"}`],
    ['json', `{"div":"<a href=\\"${ours}/x\\">"}`],
    ['xml', `<div><a href="${ours}/x">${ours}/x</a></div>`],
    ['xml', `<a xvalue="${ours}/x"/>`],
    ['query', `a=x${ours}`],
    ['query', `a=${ours}x`],
  ]
  for (const [grammar, text] of rows) assert.equal(restore(grammar, text), text)
})

test('[P26, K13] a value of another session is refused', () => {
  const rows: [Grammar, string][] = [
    ['json', `{"subject":{"reference":"${others}/Patient/1"}}`],
    ['json', `{"a":"${ours}/x","b":"${others.replaceAll('/', '\\/')}"}`],
    ['json', `{"a":"https://APP.example.org:443/bff/sessions/x/fhir/Patient/1"}`],
    ['xml', `<reference value="${others}/x"/>`],
    ['query', `subject=${others}/Patient/1`],
    ['query', `subject=${encodeURIComponent(others)}`],
    ['json', `{"a":"${publicUrl}/fhir/Patient/1"}`],
  ]
  for (const [grammar, text] of rows) {
    assert.equal(
      refusalOf(() => restore(grammar, text)),
      'foreign_reference',
      text,
    )
  }
})

test('a request by the alias may use the alias', () => {
  const text = `{"a":"${publicUrl}/fhir/Patient/1","b":"${ours}/x"}`
  assert.equal(restore('json', text, true), `{"a":"${base}/Patient/1","b":"${base}/x"}`)
  assert.equal(
    refusalOf(() => restore('json', `"${others}"`, true)),
    'foreign_reference',
  )
})

test('what was rewritten comes back as it was', () => {
  const needles = buildNeedles([base])
  const path = fc.constantFrom('', '/Patient/1', '/Binary/a?b=c', '?_getpages=1')
  const key = fc.constantFrom('fullUrl', 'reference', 'location', 'url')
  fc.assert(
    fc.property(fc.array(fc.tuple(key, path)), members => {
      const json = JSON.stringify(members.map(([name, rest]) => ({ [name]: base + rest })))
      assert.equal(restore('json', rewriteDocument('json', json, needles, ours)), json)
      const xml = members.map(([name, rest]) => `<${name} value="${base}${rest}"/>`).join('')
      assert.equal(restore('xml', rewriteDocument('xml', xml, needles, ours)), xml)
    }),
  )
})
