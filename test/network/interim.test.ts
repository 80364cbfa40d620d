// Answers of 100 that nobody asked for, in every way a network cuts them.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createInterimFilter, EndlessInterim } from '../../src/network/interim.ts'

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
  'HTTP/1.1 100\r\n\r\n',
  'HTTP/1.1 100 Continue\n\n',
  'HTTP/1.1 100 Continue\nx-gateway: a\r\n\n',
  '\r\nHTTP/1.1 100 Continue\r\n\r\n',
  '\n\r\nHTTP/1.1 100 Continue\r\n\r\n',
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
        const kept = heads.filter(head => !/ 100\s/.test(head)).join('')
        assert.equal(filter(heads.join('') + FINAL, cuts), kept + FINAL)
      },
    ),
  )
})

test('[Q46] a line of an interim head that comes by itself is no beginning of an answer', () => {
  const [start, rest] = ['HTTP/1.1 100 Continue\r\n', 'Hop-count: none of ours\r\n\r\n']
  assert.equal(filter(start + rest + FINAL, [start.length, rest.length]), FINAL)
})

test('[Q46] a body is left alone, whatever it begins with', () => {
  const { expect, pass } = createInterimFilter()
  expect()
  assert.equal(pass(Buffer.from(FINAL))?.toString(), FINAL)
  const chunk = Buffer.from('HTTP/1.1 100 Continue\r\n\r\n')
  assert.equal(pass(chunk), chunk)
})

test('[Q46] text that is no interim head passes as it comes', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 14 }), fc.array(fc.nat(5)), (text, cuts) => {
      const isHead = /^[\r\n]*HTTP\/1\.\d 1/.test(text)
      if (!isHead) assert.equal(filter(text, cuts), Buffer.from(text, 'latin1').toString('latin1'))
    }),
  )
  const others = [
    'HTTP/1.1 1000 Odd',
    'HTTP/1.1 100Continue',
    'HTTP/1.1 1OO No',
    'HTTP/2 100 Continue',
  ]
  for (const line of [...others, 'HTTP/1.1 101 Switching Protocols', '\r\nHTTP/1.1 200 OK']) {
    for (const length of [1, 3, 14, 40]) {
      const cuts = Array.from({ length: 40 }, () => length)
      assert.equal(filter(`${line}\r\n\r\n${FINAL}`, cuts), `${line}\r\n\r\n${FINAL}`)
    }
  }
})

test('[Q46, L8] of interim answers twenty are borne, and 16 KiB, however they come', () => {
  const heads = ['HTTP/1.1 100 Continue\r\n\r\n', 'HTTP/1.1 102 Processing\r\n\r\n']
  for (const head of heads) {
    for (const cuts of [[], Array.from({ length: 2_000 }, () => 7)]) {
      const kept = head.includes('100') ? '' : head
      assert.equal(filter(head.repeat(20) + FINAL, cuts), kept.repeat(20) + FINAL)
      assert.throws(() => filter(head.repeat(21) + FINAL, cuts), EndlessInterim)
      const long = head.replace('\r\n', `\r\nx: ${'a'.repeat(20_000)}\r\n`)
      assert.throws(() => filter(long, cuts), EndlessInterim)
    }
  }
  assert.throws(() => filter('\r\n'.repeat(10_000), []), EndlessInterim)
})

test('[Q47] what a connection has answered to this request is known, interim answers included', () => {
  const filter = createInterimFilter()
  filter.expect()
  assert.equal(filter.isSilent, true)
  filter.pass(Buffer.from('HTTP/1.1 100 Continue\r\n\r\n'))
  assert.equal(filter.isSilent, false)
  filter.expect()
  assert.equal(filter.isSilent, true)
})
