// Units in UCUM's print forms.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { measures } from '../../sandbox/patients/measure.ts'
import { importDemo } from './module.ts'

const { printUcum, printUnit } = await importDemo('units.js')

test('codes of UCUM become what is printed', () => {
  const table: Record<string, string> = {
    'mm[Hg]': 'mmHg',
    'kg/m2': 'kg/m²',
    'mL/min/{1.73_m2}': 'mL/min/1.73 m²',
    '10*3/uL': '10³/µL',
    '10*-3': '10⁻³',
    'mm3.s-1': 'mm³·s⁻¹',
    'm[IU]/L': 'mIU/L',
    '[iU]/mL': 'IU/mL',
    'ug/dL': 'µg/dL',
    'umol/L': 'µmol/L',
    'cm[H2O]': 'cmH₂O',
    Cel: '°C',
    '[degF]': '°F',
    '[lb_av]': 'lb',
    '[in_i]': 'in',
    '/min': '/min',
    '{beats}/min': '/min',
    '1/min': '1/min',
    'mg/{spec}': 'mg',
    '{INR}': '',
    '%': '%',
    '[pH]': 'pH',
    '24.h': '24·h',
    'g/(8.h)': 'g/(8·h)',
    min: 'min',
    mol: 'mol',
    U: 'U',
    'kU/L': 'kU/L',
  }
  for (const [code, text] of Object.entries(table)) assert.equal(printUcum(code), text, code)
})

test('no bracket, brace, star or underscore is left of any code that the sandbox measures in', () => {
  for (const { ucum } of Object.values(measures)) {
    assert.doesNotMatch(printUcum(ucum), /[[\]{}*_]/, ucum)
  }
})

test('whatever the code, something is printed and nothing throws', () => {
  const piece = fc.constantFrom(
    'm',
    'k',
    '[',
    ']',
    '{',
    '}',
    '10*',
    '2',
    '-',
    '.',
    '/',
    '(',
    'Hg',
    '_',
  )
  fc.assert(
    fc.property(fc.array(piece), pieces => {
      assert.equal(typeof printUcum(pieces.join('')), 'string')
    }),
  )
})

test('a unit that is not of UCUM stays as it is written, and an annotation is none', () => {
  const system = 'http://unitsofmeasure.org'
  assert.equal(printUnit({ unit: 'beats/minute', code: '/min', system }), '/min')
  assert.equal(printUnit({ unit: 'tablets (of 5_mg)' }), 'tablets (of 5_mg)')
  assert.equal(printUnit({ unit: '{score}' }), '')
  assert.equal(printUnit({}), '')
})
