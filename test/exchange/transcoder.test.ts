// Documents in other charsets, cut anywhere, become the same text in UTF-8; broken ones become nothing.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Outlet } from '../../src/exchange/sinks.ts'
import { createTranscoder, createUtf8Gate } from '../../src/exchange/transcoder.ts'

function transcode(bytes: Buffer, encoding: string, how: { kind?: 'json' | 'xml'; size?: number }) {
  const { kind = 'json', size = 7 } = how
  const got: Buffer[] = []
  const errors: Error[] = []
  let isEnded = false
  const outlet = { onError: (error: Error) => void errors.push(error) } as unknown as Outlet
  const next = {
    push: (chunk: Buffer) => got.push(chunk) > 0,
    end() {
      isEnded = true
    },
  }
  const sink = createTranscoder(outlet, next, { encoding, kind })
  for (let at = 0; at < bytes.length; at += size) sink.push(bytes.subarray(at, at + size))
  sink.end()
  return { text: Buffer.concat(got).toString(), errors, isEnded }
}

const letters = 'abcäöüßé{}":,€ "'
const text = fc.array(fc.constantFrom(...letters), { maxLength: 50 }).map(parts => parts.join(''))
const size = fc.integer({ min: 1, max: 9 })

test('[Q53] the same text in UTF-8, wherever the bytes are cut', () => {
  const westEuropean = (value: string) => Buffer.from(value.replaceAll('€', '\x80'), 'latin1')
  fc.assert(
    fc.property(text, size, (value, size) => {
      const latin1 = transcode(westEuropean(value), 'windows-1252', { size })
      assert.deepEqual(latin1, { text: value, errors: [], isEnded: true })
      const utf16 = transcode(Buffer.from(`\ufeff${value}`, 'utf16le'), 'utf-16le', { size })
      assert.deepEqual(utf16, { text: value, errors: [], isEnded: true })
    }),
  )
})

test('[Q53] an XML declaration names the encoding that the text now has', () => {
  const body = '<Patient xmlns="http://hl7.org/fhir"><x value="ü encoding=\'x\'"/></Patient>'
  const rows = [
    ['<?xml version="1.0" encoding="ISO-8859-1"?>', '<?xml version="1.0" encoding="UTF-8"?>'],
    [
      "<?xml version='1.0' encoding = 'latin1' standalone='yes'?>\n",
      "<?xml version='1.0' encoding = 'UTF-8' standalone='yes'?>\n",
    ],
    ['<?xml version="1.0"?>', '<?xml version="1.0"?>'],
    ['', ''],
  ] as const
  for (const [declared, expected] of rows) {
    for (const size of [1, 5, 1000]) {
      const bytes = Buffer.from(declared + body, 'latin1')
      assert.equal(transcode(bytes, 'windows-1252', { kind: 'xml', size }).text, expected + body)
    }
  }
})

test('[Q53] what is no text in its charset ends the answer, and is never told as whole', () => {
  for (const bytes of [Buffer.from([0x61, 0, 0, 0xd8, 0x61, 0]), Buffer.from([0x61])]) {
    const { errors, isEnded } = transcode(bytes, 'utf-16le', { size: 10 })
    assert.equal(errors.length > 0, true)
    assert.equal(isEnded, false)
  }
})

test('[Q53] a document in UTF-16 that no header names is refused, never half rewritten', () => {
  const codes: unknown[] = []
  const passed: Buffer[] = []
  const outlet = { onError: (error: Error) => codes.push((error as { code?: string }).code) }
  const next = { push: (chunk: Buffer) => passed.push(chunk) > 0, end() {} }
  const push = (...chunks: Buffer[]) => {
    const gate = createUtf8Gate(outlet as unknown as Outlet, next)
    for (const chunk of chunks) gate.push(chunk)
  }
  push(Buffer.from('\ufeff{}', 'utf16le'))
  push(Buffer.alloc(0), Buffer.from([0xfe]))
  assert.deepEqual(codes, ['upstream_charset', 'upstream_charset'])
  push(Buffer.from('\ufeff{}'), Buffer.from([0xff]))
  assert.equal(codes.length, 2)
  assert.equal(Buffer.concat(passed).toString('latin1'), '\xef\xbb\xbf{}\xff')
})
