// The card of a search: any type the session may read, page by page along the links that the EHR sends,
// with the request that is made.

import { announce } from './announce.js'
import { buildCard, buildFault } from './card.js'
import { formatDay } from './dates.js'
import { buildScroll, element } from './element.js'
import { summarize } from './wording.js'

// What can be searched for, and by what each is sorted, newest first.
const sortedBy = {
  Observation: '-date',
  Condition: '-recorded-date',
  MedicationRequest: '-authoredon',
  AllergyIntolerance: '-date',
  Encounter: '-date',
  Immunization: '-date',
  DocumentReference: '-date',
}
const sizes = ['5', '10', '25']

/** A search within one patient's record. */
export function createSearchCard(fhir, patient) {
  const results = element('div', { class: 'results' })
  const form = element(
    'form',
    { class: 'search', onsubmit: begin },
    buildSelect('Type', 'type', Object.keys(sortedBy)),
    buildSelect('A page', '_count', sizes),
    element('button', {}, 'Search'),
  )
  begin()
  return buildCard('Search', 'search', form, results)

  function begin(event) {
    event?.preventDefault()
    const { type, ...size } = Object.fromEntries(new FormData(form))
    const parameters = { ...(patient && { patient }), _sort: sortedBy[type], ...size }
    show([], type, () => fhir.search(type, parameters), event !== undefined)
  }

  /** Loads a page and shows it; `before` are the pages that led here, `turned` that somebody asked. */
  async function show(before, type, load, turned = false) {
    results.setAttribute('aria-busy', 'true')
    try {
      const page = await load()
      const { count, nodes } = buildPage(before, type, page)
      results.replaceChildren(...nodes)
      announce(`${type}: ${count.textContent}`)
      if (turned) count.focus()
    } catch (error) {
      const retry = () => show(before, type, load, turned)
      results.replaceChildren(buildFault(error, { fhir, retry }))
    }
    results.removeAttribute('aria-busy')
  }

  function buildPage(before, type, page) {
    const { resources, total, next, url } = page
    const first = before.reduce((sum, { resources }) => sum + resources.length, 1)
    const last = first + resources.length - 1
    const previous = before.at(-1)
    const turn = (label, target, pages) =>
      element(
        'button',
        {
          type: 'button',
          disabled: target === undefined,
          onclick: () => show(pages, type, target, true),
        },
        label,
      )
    const { pathname, search } = new URL(url)
    const request = element('code', { class: 'request' }, `GET ${pathname}${search}`)
    const words = `${first}–${last}${total === undefined ? '' : ` of ${total}`}`
    const isEmpty = resources.length === 0
    const count = element('p', { tabindex: '-1' }, isEmpty ? 'Nothing was found.' : words)
    const pager = element(
      'div',
      { class: 'pager' },
      count,
      turn('Previous', previous && (async () => previous), before.slice(0, -1)),
      turn('Next', next && (() => fhir.readPage(next, type)), [...before, page]),
    )
    return { count, nodes: isEmpty ? [count, request] : [pager, buildTable(resources), request] }
  }
}

function buildSelect(label, name, options) {
  const choices = options.map(option => element('option', {}, option))
  return element('label', {}, label, element('select', { name }, choices))
}

function buildTable(resources) {
  const head = ['Date', 'What', 'Value'].map(text => element('th', { scope: 'col' }, text))
  const rows = resources.map(resource => {
    const { date, what = '–', value = '–' } = summarize(resource)
    const cells = [formatDay(date) ?? '–', what, value].map(text => element('td', {}, text))
    return element('tr', { title: `${resource.resourceType}/${resource.id}` }, cells)
  })
  const table = element(
    'table',
    {},
    element('thead', {}, element('tr', {}, head)),
    element('tbody', {}, rows),
  )
  return buildScroll('What was found', table)
}
