// The card of vital signs and laboratory values: which chart, how far back, the plot, the value under
// the cursor, and the same values as a table.

import { buildNote, createCard } from './card.js'
import { formatDay } from './dates.js'
import { buildScroll, element } from './element.js'
import { buildCharts, buildRows, buildSeries } from './series.js'

const spans = [
  { label: '3 months', days: 91 },
  { label: '1 year', days: 365 },
  { label: 'All', days: undefined },
]

/** The card for one patient's observations. */
export function createTrendsCard(fhir, patient) {
  return createCard('Trends', {
    id: 'trends',
    fhir,
    empty: 'No vital signs or laboratory values are recorded.',
    async load() {
      const categories = ['vital-signs', 'laboratory']
      const found = await Promise.all(
        categories.map(category =>
          fhir.searchAll('Observation', { patient, category, _sort: '-date', _count: '200' }),
        ),
      )
      return buildCharts(buildSeries(found.flat()))
    },
    show: showCharts,
  })
}

function showCharts(charts) {
  const state = { chart: charts[0], days: undefined, remove: undefined }
  const readout = element('dl', { class: 'readout' })
  const figure = element('div', { class: 'plot', role: 'img' })
  const table = buildScroll('The values')
  const details = element('details', {}, element('summary', {}, 'The values as a table'), table)
  const plotting = loadPlot().catch(error => {
    reportError(error)
    details.open = true
    figure.replaceWith(buildNote('This browser cannot draw the chart; its values are below.'))
  })
  const draw = async () => {
    const { chart, days } = state
    const { series } = chart
    const rows = buildRows(chart)
    const show = row => readout.replaceChildren(...buildReadout(series, rows, row))
    show()
    figure.setAttribute('aria-label', describe(chart, rows))
    table.replaceChildren(buildTable(series, rows))
    const plot = await plotting
    if (plot === undefined || state.chart !== chart || state.days !== days) return
    state.remove?.()
    state.remove = plot.drawPlot(figure, { series, rows, days, onPoint: show })
  }
  const choose = change => {
    Object.assign(state, change)
    draw()
  }
  draw()
  return [
    buildChoice('What to show', 'chart', charts, {
      label: chart => chart.title,
      chosen: charts[0],
      onChoose: chart => choose({ chart }),
    }),
    element(
      'div',
      { class: 'plot-head' },
      readout,
      buildChoice('How far back', 'span', spans, {
        label: span => span.label,
        chosen: spans.at(-1),
        onChoose: ({ days }) => choose({ days }),
      }),
    ),
    figure,
    details,
  ]
}

// By itself, so that a browser in which it does not load still shows the rest: uPlot asks for
// navigator.language while it loads, which is `C` in WebKitGTK without a locale, and no language.
function loadPlot() {
  return import('./plot.js')
}

function buildChoice(legend, name, options, { label, chosen, onChoose }) {
  const choices = options.map(option =>
    element(
      'label',
      {},
      element('input', {
        type: 'radio',
        name,
        checked: option === chosen,
        onchange: () => onChoose(option),
      }),
      element('span', {}, label(option)),
    ),
  )
  return element(
    'fieldset',
    { class: 'choice' },
    element('legend', { class: 'unseen' }, legend),
    choices,
  )
}

/** The values of a row, or each series' last one. */
function buildReadout(series, rows, chosen) {
  return series.map(({ name, unit, reference }, index) => {
    const row = chosen ?? rows.find(({ values }) => values[index] !== null)
    const value = row.values[index]
    return element(
      'div',
      { class: `of-series-${index + 1}` },
      element('dt', {}, name),
      element('dd', {}, element('b', {}, value ?? '–'), ` ${unit}`),
      element('dd', { class: 'aside' }, formatDay(toIso(row.time))),
      reference && element('dd', { class: 'aside reference' }, describeReference(reference)),
    )
  })
}

function buildTable(series, rows) {
  const heads = ['Date', ...series.map(({ name, unit }) => (unit ? `${name} (${unit})` : name))]
  return element(
    'table',
    {},
    element(
      'thead',
      {},
      element(
        'tr',
        {},
        heads.map(head => element('th', { scope: 'col' }, head)),
      ),
    ),
    element(
      'tbody',
      {},
      rows.map(({ time, values }) =>
        element(
          'tr',
          {},
          element('th', { scope: 'row' }, formatDay(toIso(time))),
          values.map(value => element('td', {}, value ?? '')),
        ),
      ),
    ),
  )
}

function describe({ title, series }, rows) {
  const [first, last] = [rows.at(-1), rows[0]].map(({ time }) => formatDay(toIso(time)))
  const latest = series.map(({ name, unit, points }) => `${name} ${points.at(-1).value} ${unit}`)
  return `${title}, ${rows.length} values from ${first} to ${last}; latest: ${latest.join(', ')}`
}

function describeReference({ low, high }) {
  if (low === undefined) return `Reference up to ${high}`
  return high === undefined ? `Reference from ${low}` : `Reference ${low} to ${high}`
}

function toIso(seconds) {
  return new Date(seconds * 1000).toISOString()
}
