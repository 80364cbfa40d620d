// The page of one session: whose record it is, then the cards, each of which loads by itself.

import { createBanner, createNameLine } from './banner.js'
import { buildFaultNote, buildNote } from './card.js'
import { createAllergiesCard, createConditionsCard, createMedicationsCard } from './clinical.js'
import { element } from './element.js'
import { createEncountersCard } from './encounters.js'
import { createExposureCard } from './exposure.js'
import { Fault } from './fault.js'
import { createFhirClient } from './fhir.js'
import { createSearchCard } from './search.js'
import { createSessionPanel } from './session-panel.js'
import { createTrendsCard } from './trends.js'
import { nameOf } from './wording.js'

/**
 * Shows a session's record in `page`. `events.onName` hears the patient's name, `events.onEnd` that the
 * session is over; the returned function stops what runs.
 */
export function openRecord(page, session, { ehrName, events }) {
  const fhir = createFhirClient(session, events)
  const { patient } = session
  const about = element('div', { class: 'about' })
  const panel = createSessionPanel(session, { ehrName, ...events })
  const search = createSearchCard(fhir, patient)
  const [wide, narrow] =
    patient === undefined
      ? [[search], []]
      : [
          [createTrendsCard(fhir, patient), createEncountersCard(fhir, patient), search],
          [
            createAllergiesCard(fhir, patient),
            createConditionsCard(fhir, patient),
            createMedicationsCard(fhir, patient),
          ],
        ]
  page.replaceChildren(
    about,
    element(
      'div',
      { class: 'record' },
      element('div', { class: 'column' }, wide),
      element('div', { class: 'column' }, narrow, panel.card, createExposureCard()),
    ),
  )
  if (patient === undefined) about.replaceChildren(buildNote('This session is about no patient.'))
  else identify()
  return panel.stop

  async function identify() {
    try {
      const resource = await fhir.read(`Patient/${encodeURIComponent(patient)}`)
      events.onName(nameOf(resource))
      const show = session.needPatientBanner ? createBanner : createNameLine
      about.replaceChildren(show(resource))
    } catch (error) {
      if (!(error instanceof Fault)) throw error
      about.replaceChildren(buildFaultNote(error, identify))
    }
  }
}
