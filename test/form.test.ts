import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { readForm } from '../src/form.ts'
import { assertLinear } from './work/steps.ts'

const latin1 = (text: string) => Buffer.from(text).toString('latin1')

test('a form is read like every browser reads it', () => {
  const piece = fc.constantFrom(
    ...[
      '&',
      '=',
      '+',
      '%',
      '%4',
      '%41',
      '%zz',
      '%C3%BC',
      '%ff',
      '%EF%BB%BF',
      '%26',
      '%3D',
      'a',
      'ü',
    ],
    ...['\u{1f600}', ';', '_format', '%00', ' '],
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 40 }), pieces => {
      const text = `x=${pieces.join('')}`
      // Node takes a bare character behind a percent sign for one byte; browsers do not.
      const escaped = text.replace(/[^\x00-\x7f]+/g, encodeURIComponent)
      assert.deepEqual([...readForm(latin1(text))], [...new URLSearchParams(escaped)])
    }),
    { numRuns: 2000 },
  )
})

test('[DS3, P30] reading a form takes work that grows no faster than the form', () => {
  const units = ['a&', 'a=&', '&', '=', '%61', '%', '+', 'a=b&', '%61=%62&', 'a', '%zz&', '\xff']
  for (const unit of units) {
    const drain = (size: number) => {
      for (const pair of readForm(unit.repeat(size))) assert.equal(pair.length, 2)
    }
    assertLinear(drain, 500, unit)
  }
})
