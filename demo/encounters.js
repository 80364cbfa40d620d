// The card of encounters: a timeline by year, newest first, the older ones on demand.

import { announce } from './announce.js'
import { createCard } from './card.js'
import { formatDay } from './dates.js'
import { element } from './element.js'
import { textOf } from './wording.js'

const AT_FIRST = 6

/** The timeline of one patient's encounters. */
export function createEncountersCard(fhir, patient) {
  return createCard('Encounters', {
    id: 'encounters',
    fhir,
    empty: 'No encounters are recorded.',
    load: () => fhir.searchAll('Encounter', { patient, _sort: '-date', _count: '100' }),
    show(encounters) {
      const timeline = element('ol', { class: 'timeline' }, buildItems(encounters, AT_FIRST))
      if (encounters.length <= AT_FIRST) return timeline
      const more = element(
        'button',
        {
          type: 'button',
          class: 'quiet',
          onclick() {
            timeline.replaceChildren(...buildItems(encounters, encounters.length))
            more.remove()
            announce(`All ${encounters.length} encounters are shown.`)
            timeline.children[AT_FIRST].focus()
          },
        },
        `Show all ${encounters.length}`,
      )
      return [timeline, more]
    },
  })
}

function buildItems(encounters, count) {
  let year
  return encounters.slice(0, count).map(encounter => {
    const { period, class: kind, type, participant } = encounter
    const itsYear = period?.start?.slice(0, 4)
    const isNewYear = itsYear !== year
    year = itsYear
    const details = [
      formatDay(period?.start),
      participant?.[0]?.individual?.display,
      typeof kind === 'string' ? kind : kind?.display,
    ]
    return element(
      'li',
      { tabindex: '-1' },
      element('span', { class: 'year' }, isNewYear && itsYear),
      element(
        'div',
        {},
        element('strong', {}, textOf(type?.[0]) ?? 'Encounter'),
        element('small', {}, details.filter(Boolean).join(' · ')),
      ),
    )
  })
}
