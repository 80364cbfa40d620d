// The card of a search: any type the session may read, page by page along the links that the EHR sends,
// with the request that is made.

import { buildCard, buildFaultNote, buildNote } from './card.js'
import { formatDay } from './dates.js'
import { element } from './element.js'
import { Fault } from './fault.js'
import { summarize } from './wording.js'

// What can be searched for, and by what each is sorted, newest first.
const sortedBy = {
  Observation: '-date',
  Condition: '-recorded-date',
  MedicationRequest: '-authoredon',
  AllergyIntolerance: '-_lastUpdated',
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
    show([], type, () => fhir.search(type, parameters))
  }

  /** Loads a page and shows it; `before` are the pages that led here. */
  async function show(before, type, load) {
    results.setAttribute('aria-busy', 'true')
    try {
      const page = await load()
      results.replaceChildren(...buildPage(before, type, page))
    } catch (error) {
      if (!(error instanceof Fault)) throw error
      results.replaceChildren(buildFaultNote(error, () => show(before, type, load)))
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
          onclick: () => show(pages, type, target),
        },
        label,
      )
    const { pathname, search } = new URL(url)
    const request = element('code', { class: 'request' }, `GET ${pathname}${search}`)
    if (resources.length === 0) return [buildNote('Nothing was found.'), request]
    return [
      buildTable(resources),
      element(
        'div',
        { class: 'pager' },
        element('p', {}, `${first}–${last}${total === undefined ? '' : ` of ${total}`}`),
        turn('Previous', previous && (async () => previous), before.slice(0, -1)),
        turn('Next', next && (() => fhir.readPage(next, type)), [...before, page]),
      ),
      request,
    ]
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
  return element('div', { class: 'scroll' }, table)
}
