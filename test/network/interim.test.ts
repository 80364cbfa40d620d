// Answers of 100 that nobody asked for, in every way a network cuts them.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createInterimFilter } from '../../src/network/interim.ts'

const FINAL = 'HTTP/1.1 200 OK\r\ncontent-length: 25\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n'

/** What is left to parse of an answer that comes in pieces of these lengths. */
function filter(text: string, cuts: readonly number[]): string {
  const { expect, pass } = createInterimFilter()
  expect()
  let passed = ''
  let rest = Buffer.from(text, 'latin1')
  for (const length of [...cuts, text.length]) {
    const chunk = rest.subarray(0, length)
    rest = rest.subarray(length)
    if (chunk.length > 0) passed += pass(chunk)?.toString('latin1') ?? ''
  }
  return passed
}

const continues = fc.constantFrom(
  'HTTP/1.1 100 Continue\r\n\r\n',
  'HTTP/1.1 100 \r\nx-gateway: a\r\n\r\n',
  'HTTP/1.0 100 Continue\r\n\r\n',
)
const others = fc.constantFrom(
  'HTTP/1.1 102 Processing\r\n\r\n',
  'HTTP/1.1 103 Early Hints\r\nlink: </style.css>; rel=preload\r\n\r\n',
)
const anyInterim = fc.oneof(continues, others)

test('[Q46] answers of 100 are skipped however they are cut, and nothing else is', () => {
  fc.assert(
    fc.property(
      fc.array(anyInterim, { maxLength: 18 }),
      fc.array(fc.integer({ min: 1, max: 40 })),
      (heads, cuts) => {
        const kept = heads.filter(head => !/ 100 /.test(head)).join('')
        assert.equal(filter(heads.join('') + FINAL, cuts), kept + FINAL)
      },
    ),
  )
})

test('[Q46] a body is left alone, whatever it begins with', () => {
  const { expect, pass } = createInterimFilter()
  expect()
  assert.equal(pass(Buffer.from(FINAL))?.toString(), FINAL)
  const chunk = Buffer.from('HTTP/1.1 100 Continue\r\n\r\n')
  assert.equal(pass(chunk), chunk)
})

test('[Q46] text that is no head passes as it comes, and endless ones are handed on', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 13 }), fc.array(fc.nat(5)), (text, cuts) => {
      const isHead = /^HTTP\/1\.\d 1/.test(text)
      if (!isHead) assert.equal(filter(text, cuts), Buffer.from(text, 'latin1').toString('latin1'))
    }),
  )
  const flood = 'HTTP/1.1 100 Continue\r\n\r\n'.repeat(1_000)
  assert.ok(filter(flood, []).length > 20_000)
  const long = `HTTP/1.1 100 Continue\r\nx: ${'a'.repeat(20_000)}`
  assert.equal(filter(long, []), long)
  assert.equal(filter('HTTP/1.1 101 Switching Protocols\r\n\r\n', []).length, 36)
})
