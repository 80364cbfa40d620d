// A chart drawn by uPlot: lines over time, blood pressure as a band between its two, the laboratory's
// reference range behind them. Colours come from the style sheet, so that light and dark both fit.

import uPlot from './vendor/uplot/uPlot.esm.js'

const HEIGHT = 280
const DAY = 86_400

/**
 * Draws a chart of `rows` (buildRows) into a node, for `days` back from the last point or for all of
 * them. `onPoint` hears the row under the cursor, or undefined when there is none. The returned
 * function takes the drawing away.
 */
export function drawPlot(node, { series, rows, days, onPoint }) {
  const data = [rows.map(({ time }) => time), ...series.map((_, i) => rows.map(r => r.values[i]))]
  for (const column of data) column.reverse()
  let plot
  const draw = () => {
    plot?.destroy()
    const options = { series, range: readRange(data[0], days), width: node.clientWidth }
    plot = new uPlot(
      buildOptions(options, index => onPoint(rows.at(-1 - index))),
      data,
      node,
    )
    plot.over.addEventListener('mouseleave', () => onPoint(undefined))
  }
  draw()
  const sizes = new ResizeObserver(() => plot.setSize({ width: node.clientWidth, height: HEIGHT }))
  sizes.observe(node)
  const scheme = matchMedia('(prefers-color-scheme: dark)')
  scheme.addEventListener('change', draw)
  return () => {
    scheme.removeEventListener('change', draw)
    sizes.disconnect()
    plot.destroy()
  }
}

function readRange(times, days) {
  const last = times.at(-1)
  const first = days === undefined ? times[0] : last - days * DAY
  const margin = Math.max(DAY, (last - first) * 0.02)
  return [first - margin, last + margin]
}

function buildOptions({ series, range, width }, onIndex) {
  const color = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim()
  const colorOf = (_plot, index) => color(`--series-${index}`)
  const scales = [...new Set(series.map(scaleOf))]
  const isPair = scales.length === 1 && series.length === 2
  const axis = {
    stroke: color('--soft'),
    font: '12px system-ui, sans-serif',
    grid: { stroke: color('--line'), width: 1 },
    ticks: { show: false },
  }
  return {
    width,
    height: HEIGHT,
    padding: [16, scales.length > 1 ? 0 : 12, 0, 0],
    legend: { show: false },
    cursor: {
      y: false,
      points: { size: 10, width: 2, fill: colorOf, stroke: color('--paper') },
    },
    scales: {
      x: { time: true, range: (_plot, min, max) => (min === null ? range : [min, max]) },
      ...Object.fromEntries(scales.map((scale, i) => [scale, { range: widen(series, i === 0) }])),
    },
    axes: [
      { ...axis, grid: { show: false }, space: 70 },
      ...scales.slice(0, 2).map((scale, index) => ({
        ...axis,
        scale,
        side: index === 0 ? 3 : 1,
        size: 46,
        grid: index === 0 ? axis.grid : { show: false },
      })),
    ],
    series: [
      {},
      ...series.map((one, index) => ({
        label: one.name,
        scale: scaleOf(one),
        stroke: colorOf(undefined, index + 1),
        width: 2,
        spanGaps: true,
        points: { size: 6, fill: color('--paper'), width: 1.5 },
      })),
    ],
    bands: isPair ? [{ series: [1, 2], fill: color('--between') }] : [],
    hooks: {
      ready: [plot => plot.setScale('x', { min: range[0], max: range[1] })],
      drawClear: [plot => drawReference(plot, series[0], color('--reference'))],
      setCursor: [({ cursor }) => cursor.idx !== null && cursor.left >= 0 && onIndex(cursor.idx)],
    },
  }
}

// One vertical scale for each unit, and for values without one.
function scaleOf({ unit }) {
  return `in ${unit}`
}

// Room above and below the points, and for the reference range where it is near.
function widen(series, isFirst) {
  return (_plot, min, max) => {
    if (min === null) return [0, 1]
    const { low, high } = (isFirst && series[0].reference) || {}
    const bounds = [min, max, low, high].filter(value => value !== undefined)
    const [least, most] = [Math.min(...bounds), Math.max(...bounds)]
    const margin = Math.max((most - least) * 0.12, Math.abs(most) * 0.02)
    return [Math.max(least >= 0 ? 0 : -Infinity, least - margin), most + margin]
  }
}

function drawReference(plot, one, fill) {
  const { reference } = one
  if (reference === undefined) return
  const { left, top, width, height } = plot.bbox
  const at = (value, otherwise) =>
    value === undefined ? otherwise : plot.valToPos(value, scaleOf(one), true)
  const [upper, lower] = [at(reference.high, top), at(reference.low, top + height)]
  plot.ctx.fillStyle = fill
  plot.ctx.fillRect(left, upper, width, lower - upper)
}
