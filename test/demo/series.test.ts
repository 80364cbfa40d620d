// Observations become series, charts and rows by rules that matter to whoever reads a chart: units, order,
// what is left out.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { importDemo } from './module.ts'

const { buildCharts, buildRows, buildSeries } = await importDemo('series.js')

interface Measured {
  code?: string
  value: number
  unit: string
}

function measure({ code = '29463-7', value, unit }: Measured) {
  return { code: { coding: [{ code }], text: `Of ${code}` }, valueQuantity: { value, unit } }
}

function observe(effectiveDateTime: string, measured: Measured, more = {}) {
  return { status: 'final', effectiveDateTime, ...measure(measured), ...more }
}

test('a series is in order of time and never mixes units', () => {
  const series = buildSeries([
    observe('2026-03-01', { value: 80, unit: 'kg' }),
    observe('2026-02-01', { value: 176, unit: 'lb' }),
    observe('2026-01-01', { value: 81, unit: 'kg' }),
  ])
  assert.deepEqual(
    series.map((one: { unit: string; points: { value: number }[] }) => [
      one.unit,
      ...one.points.map(({ value }) => value),
    ]),
    [
      ['kg', 81, 80],
      ['lb', 176],
    ],
  )
})

test('what was entered in error, has no time or no number is no point', () => {
  const day = '2026-03-01'
  assert.deepEqual(
    buildSeries([
      observe(day, { value: 800, unit: 'kg' }, { status: 'entered-in-error' }),
      observe('unknown', { value: 80, unit: 'kg' }),
      { status: 'final', effectiveDateTime: day, code: {}, valueString: 'high' },
    ]),
    [],
  )
})

test('the components of blood pressure make one chart, a laboratory value another with its reference', () => {
  const pressure = [
    measure({ code: '8480-6', value: 120, unit: 'mmHg' }),
    measure({ code: '8462-4', value: 80, unit: 'mmHg' }),
  ]
  const charts = buildCharts(
    buildSeries([
      observe(
        '2026-01-01',
        { code: '2823-3', value: 4, unit: 'mmol/L' },
        { referenceRange: [{ low: { value: 3.5 }, high: { value: 5.1 } }] },
      ),
      { status: 'final', effectiveDateTime: '2026-01-01', code: {}, component: pressure },
    ]),
  )
  assert.deepEqual(
    charts.map(({ title }: { title: string }) => title),
    ['Blood pressure', 'Of 2823-3'],
  )
  assert.deepEqual(
    charts[0].series.map(({ name }: { name: string }) => name),
    ['Systolic', 'Diastolic'],
  )
  assert.deepEqual(charts[1].series[0].reference, { low: 3.5, high: 5.1 })
})

test('rows put together what one day brought, and lose no second value of a day', () => {
  const [chart] = buildCharts(
    buildSeries([
      observe('2026-01-02T09:00:00', { value: 80, unit: 'kg' }),
      observe('2026-01-02T09:20:00', { code: '39156-5', value: 26, unit: 'kg/m2' }),
      observe('2026-01-02T18:00:00', { value: 81, unit: 'kg' }),
      observe('2026-01-01T09:00:00', { value: 79, unit: 'kg' }),
    ]),
  )
  assert.deepEqual(
    buildRows(chart).map(({ values }: { values: unknown[] }) => values),
    [
      [81, 26],
      [80, null],
      [79, null],
    ],
  )
})
