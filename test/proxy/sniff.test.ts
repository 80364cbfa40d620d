import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { sniffDocument } from '../../src/proxy/sniff.ts'

const sniff = (text: string) => sniffDocument(Buffer.from(text))

test('[Q53] FHIR documents are known by how they begin', () => {
  for (const text of ['{', ' \n{"a":1}', '[{', '\ufeff{"resourceType":']) {
    assert.equal(sniff(text), 'json', text)
  }
  const patient = '<Patient xmlns="http://hl7.org/fhir">'
  for (const text of [patient, `<?xml version="1.0"?>\n${patient}`, `\ufeff${patient}`]) {
    assert.equal(sniff(text), 'xml', text)
  }
})

test('[R3] nothing else is, whatever it looks like', () => {
  const others = [
    ...['<html>', '<!DOCTYPE html>', '<svg xmlns="http://www.w3.org/2000/svg">', 'x{', '%PDF-1.7'],
    ...['<HTML xmlns="http://www.w3.org/1999/xhtml">', '<script>', '<Patient><x>', 'true', '"a"'],
    ...['<html xmlns="http://hl7.org/fhir">', '\u0000{', ' '.repeat(600), '<?xml?><svg><Patient'],
  ]
  for (const text of others) assert.equal(sniff(text), 'other', text)
})

test('[Q53] it is the same however the bytes come, and never waits for long', () => {
  const start = fc.oneof(
    fc.constantFrom(
      '\ufeff{"a":1}',
      '  [1]',
      '<?xml version="1.0"?> <Patient xmlns="http://hl7.org/fhir"/>',
    ),
    fc.constantFrom('<html>', '\ufeffx', '<!-- x --><svg/>', `<a ${'b'.repeat(600)}`),
    fc.string(),
  )
  fc.assert(
    fc.property(start, text => {
      const bytes = Buffer.from(text)
      const whole = sniffDocument(bytes)
      for (let length = 0; length <= bytes.length; length++) {
        const kind = sniffDocument(bytes.subarray(0, length))
        assert.ok(kind === undefined || kind === whole, `${length} of ${text}`)
      }
      assert.notEqual(sniffDocument(Buffer.concat([bytes, Buffer.alloc(512, ' ')])), undefined)
    }),
    { numRuns: 2000 },
  )
})
