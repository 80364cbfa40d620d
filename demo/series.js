// Observations as series over time, and the charts that they make. Pure. A series never mixes units:
// the same code in kilograms and in pounds is two series.

import { printUnit } from './units.js'
import { textOf } from './wording.js'

// What belongs on one chart, by LOINC code; every other series has a chart of its own.
const together = [
  { title: 'Blood pressure', codes: ['8480-6', '8462-4'] },
  { title: 'Weight and BMI', codes: ['29463-7', '39156-5'] },
  { title: 'Height', codes: ['8302-2'] },
  { title: 'Heart rate', codes: ['8867-4'] },
]
const shortNames = {
  '8480-6': 'Systolic',
  '8462-4': 'Diastolic',
  '39156-5': 'BMI',
  '13457-7': 'LDL cholesterol',
  '62238-1': 'eGFR',
}
const notMeasured = new Set(['entered-in-error', 'cancelled'])

/**
 * The series in a list of observations, each with its points in order of time:
 * `{ code, name, unit, points: [{ time, value }], reference? }`; times in seconds.
 */
export function buildSeries(observations) {
  const series = new Map()
  for (const observation of observations) {
    const time = readTime(observation)
    if (notMeasured.has(observation.status) || Number.isNaN(time)) continue
    for (const measured of [observation, ...(observation.component ?? [])]) {
      addPoint(series, measured, time)
    }
  }
  for (const { points } of series.values()) points.sort((a, b) => a.time - b.time)
  return [...series.values()]
}

/** The charts for these series: `{ title, series }`, those of vital signs first. */
export function buildCharts(series) {
  const grouped = together.map(({ title, codes }) => ({
    title,
    series: codes.flatMap(code => series.filter(one => one.code === code)),
  }))
  const rest = series.filter(({ code }) => !together.some(({ codes }) => codes.includes(code)))
  const single = rest.map(one => ({ title: one.name, series: [one] }))
  return [...grouped, ...single].filter(chart => chart.series.length > 0)
}

/**
 * The points of a chart's series as rows, newest first: `{ time, values }`, null where there is none.
 * What was measured on one day stands in one row, unless a series has two values of that day.
 */
export function buildRows({ series }) {
  const points = series.flatMap((one, index) => one.points.map(point => ({ ...point, index })))
  const rows = []
  for (const { time, value, index } of points.sort((a, b) => b.time - a.time)) {
    let row = rows.at(-1)
    const fits = row && toDay(row.time) === toDay(time) && row.values[index] === null
    if (!fits) {
      row = { time, values: series.map(() => null) }
      rows.push(row)
    }
    row.values[index] = value
  }
  return rows
}

function toDay(seconds) {
  return new Date(seconds * 1000).toDateString()
}

function addPoint(series, { code, valueQuantity, referenceRange }, time) {
  if (typeof valueQuantity?.value !== 'number') return
  const { value } = valueQuantity
  const unit = printUnit(valueQuantity)
  const coding = code.coding?.[0]?.code ?? textOf(code)
  const key = `${coding} ${unit}`
  const name = shortNames[coding] ?? shorten(textOf(code) ?? coding)
  const one = series.get(key) ?? { code: coding, name, unit, points: [] }
  one.points.push({ time, value })
  one.reference ??= readReference(referenceRange?.[0])
  series.set(key, one)
}

function readTime({ effectiveDateTime, effectivePeriod, effectiveInstant, issued }) {
  const value = effectiveDateTime ?? effectiveInstant ?? effectivePeriod?.start ?? issued
  return Date.parse(value) / 1000
}

function readReference(range) {
  const [low, high] = [range?.low?.value, range?.high?.value]
  return low === undefined && high === undefined ? undefined : { low, high }
}

// `Hemoglobin A1c in blood` is `Hemoglobin A1c` to whoever reads a chart.
function shorten(name) {
  return name.replace(/ (in (blood|serum|plasma)|by pulse oximetry)$/i, '')
}
