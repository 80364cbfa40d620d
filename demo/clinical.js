// The cards of problems, medications and allergies: short lists, what is active before what is over.

import { createCard } from './card.js'
import { formatDay } from './dates.js'
import { element } from './element.js'
import { codeOf, dateOf, textOf } from './wording.js'

/** The problem list. */
export function createConditionsCard(fhir, patient) {
  return createCard('Conditions', {
    id: 'conditions',
    fhir,
    empty: 'No conditions are recorded.',
    load: () => fhir.searchAll('Condition', { patient, _count: '100' }),
    show: list =>
      buildList(list, {
        isOver,
        name: ({ code }) => textOf(code),
        detail: one => since(dateOf(one), codeOf(one.clinicalStatus)),
      }),
  })
}

/** What is prescribed. */
export function createMedicationsCard(fhir, patient) {
  return createCard('Medications', {
    id: 'medications',
    fhir,
    empty: 'No medications are recorded.',
    load: () => searchPrescriptions(fhir, { patient, _count: '100' }),
    show: list =>
      buildList(list, {
        isOver: ({ status }) => status !== 'active',
        name: one => textOf(one.medicationCodeableConcept) ?? one.medicationReference?.display,
        detail: one => [one.dosageInstruction?.[0]?.text, since(dateOf(one), one.status)],
      }),
  })
}

// DSTU2 calls them orders.
async function searchPrescriptions(fhir, parameters) {
  return await fhir.searchAll('MedicationRequest', parameters).catch(fault => {
    if (fault.kind !== 'ehr' || fault.status !== 404) throw fault
    return fhir.searchAll('MedicationOrder', parameters)
  })
}

/** What is not tolerated, the dangerous first. */
export function createAllergiesCard(fhir, patient) {
  return createCard('Allergies', {
    id: 'allergies',
    fhir,
    empty: 'No allergies are recorded.',
    load: () => fhir.searchAll('AllergyIntolerance', { patient, _count: '100' }),
    show: list =>
      buildList(list, {
        isOver,
        name: ({ code }) => textOf(code),
        detail: one => [
          one.reaction?.map(({ manifestation }) => textOf(manifestation?.[0])).join(', '),
          since(dateOf(one), codeOf(one.clinicalStatus)),
          one.lastOccurrence && `last reaction ${formatDay(one.lastOccurrence)}`,
        ],
        mark: ({ criticality }) => (criticality === 'high' ? 'High risk' : undefined),
      }),
  })
}

function isOver({ clinicalStatus }) {
  return /^(resolved|inactive|remission)$/.test(codeOf(clinicalStatus))
}

function buildList(resources, { isOver, name, detail, mark = () => undefined }) {
  const rank = one => Number(isOver(one)) - Number(mark(one) !== undefined)
  const items = resources
    .toSorted((a, b) => rank(a) - rank(b))
    .map(one => {
      const details = [detail(one)].flat().filter(Boolean)
      return element(
        'li',
        { class: isOver(one) && 'over' },
        element('strong', {}, name(one) ?? 'Without a name'),
        mark(one) && element('span', { class: 'mark' }, mark(one)),
        details.map(text => element('small', {}, text)),
      )
    })
  return element('ul', { class: 'facts' }, items)
}

function since(date, status) {
  const words = [date && `since ${formatDay(date)}`, status !== 'active' && status]
  return words.filter(Boolean).join(', ')
}
