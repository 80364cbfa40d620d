// The page of one session: whose record it is, then the cards, each of which loads by itself. Nothing of
// a record is shown before it is known whose it is.

import { createBanner } from './banner.js'
import { buildFaultNote, buildNote, isOutage } from './card.js'
import { createAllergiesCard, createConditionsCard, createMedicationsCard } from './clinical.js'
import { createDocumentsCard } from './documents.js'
import { element } from './element.js'
import { createEncountersCard } from './encounters.js'
import { createExposureCard } from './exposure.js'
import { createFhirClient } from './fhir.js'
import { explainWhenLate } from './late.js'
import { keepName } from './names.js'
import { createOutageNotice } from './outage.js'
import { createSearchCard } from './search.js'
import { createSessionCard } from './session-card.js'
import { createTrendsCard } from './trends.js'
import { createWarning } from './warning.js'
import { nameOf } from './wording.js'

/** Shows a session's record in `page`; the returned function stops what runs. */
export function openRecord(page, session, { ehrName, onSignOut, onSignOutAll }) {
  const { ehr, patient } = session
  const fhir = createFhirClient(session, () => outage.wait())
  const outage = createOutageNotice({ ehr, ehrName, tryAgain: fhir.tryAgain })
  const about = element('div', { class: 'about' })
  const warning = createWarning(session, { onSignOut })
  const sessionCard = createSessionCard(session, { ehrName, onSignOut, onSignOutAll })
  const columns = element('div', { class: 'record' })
  document.title = 'fhirstorm demo'
  page.replaceChildren(about, outage.place, columns, warning.dialog)
  if (patient === undefined) {
    about.replaceChildren(
      element('h1', {}, 'No patient'),
      buildNote('This session is about no patient.'),
    )
    fill([createSearchCard(fhir, patient)], [])
  } else identify()

  return () => {
    for (const part of [outage, warning, sessionCard]) part.stop()
  }

  async function identify() {
    const clearLate = explainWhenLate(about, () => [
      element('h1', {}, 'Whose record this is, is not known yet'),
      element('p', { role: 'status' }, `Waiting for ${ehrName} …`),
    ])
    try {
      const resource = await fhir.read(`Patient/${encodeURIComponent(patient)}`)
      keepName(session, resource)
      document.title = `${nameOf(resource) ?? 'Patient'} · fhirstorm demo`
      const isBrief = !session.needPatientBanner && window.top !== window
      about.replaceChildren(createBanner(resource, { isBrief }))
      fill(
        [
          createTrendsCard(fhir, patient),
          createEncountersCard(fhir, patient),
          createSearchCard(fhir, patient),
        ],
        [
          createAllergiesCard(fhir, patient),
          createConditionsCard(fhir, patient),
          createMedicationsCard(fhir, patient),
          createDocumentsCard(fhir, resource),
        ],
      )
    } catch (error) {
      about.replaceChildren(element('h1', {}, 'Whose record this is, is not known yet'))
      if (isOutage(error)) fhir.whenBack(identify)
      else about.append(buildFaultNote(error, identify))
      fill([], [])
    } finally {
      clearLate()
    }
  }

  function fill(wide, narrow) {
    columns.replaceChildren(
      element('div', { class: 'column' }, wide),
      element('div', { class: 'column' }, narrow, sessionCard.card, createExposureCard()),
    )
  }
}
