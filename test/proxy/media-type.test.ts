import assert from 'node:assert/strict'
import { test } from 'node:test'
import { documentKind, isUtf8, parseMediaType } from '../../src/proxy/media-type.ts'

const kind = (value: string, ofBinary = false) => {
  const type = parseMediaType(value)
  return type && documentKind(type, ofBinary)
}

test('reads type and charset, and nothing that is malformed', () => {
  assert.deepEqual(parseMediaType('Application/FHIR+JSON; Charset="UTF-8"; fhirVersion=4.0'), {
    name: 'application/fhir+json',
    charset: 'utf-8',
  })
  assert.deepEqual(parseMediaType('text/xml'), { name: 'text/xml', charset: undefined })
  for (const value of [
    undefined,
    '',
    'json',
    'a/b/c',
    'a/b;',
    'a/b;;c=d',
    'a/b; c',
    'a/b\n',
    'a /b',
  ]) {
    assert.equal(parseMediaType(value), undefined)
  }
})

test('knows the documents of FHIR, of all its versions', () => {
  assert.equal(kind('application/fhir+json'), 'json')
  assert.equal(kind('application/json+fhir;charset=utf-8'), 'json')
  assert.equal(kind('application/ndjson'), 'json')
  assert.equal(kind('application/fhir+ndjson'), 'json')
  assert.equal(kind('application/fhir+xml'), 'xml')
  assert.equal(kind('text/xml'), 'xml')
  for (const value of ['text/plain', 'text/event-stream', 'application/pdf', 'constructor/x']) {
    assert.equal(kind(value), undefined)
  }
})

test('below Binary a JSON or XML file is a file', () => {
  assert.equal(kind('application/json', true), undefined)
  assert.equal(kind('application/xml', true), undefined)
  assert.equal(kind('application/ndjson', true), undefined)
  assert.equal(kind('application/fhir+json', true), 'json')
})

test('text that is not UTF-8 is not searched', () => {
  assert.equal(kind('application/fhir+json; charset=utf-16'), undefined)
  assert.equal(kind('application/fhir+json; charset=iso-8859-1'), undefined)
  assert.ok(isUtf8({ name: 'a/b' }) && isUtf8({ name: 'a/b', charset: 'us-ascii' }))
})
