// What pages show of patients, and what a launch needs to know of them: read from the FHIR store.

import { type Resource, valuesAt } from '../fhir/resource.ts'
import type { Store } from '../fhir/store.ts'
import type { Calendar } from './calendar.ts'
import { DAYS_A_YEAR } from './calendar.ts'

export interface PatientCard {
  id: string
  name: string
  /** Age, gender and active problems. */
  summary: string
  /** Birth date, age, gender and number of the record, as a chart has them on top. */
  identity: string
}

export interface Directory {
  cards(): PatientCard[]
  card(id: string): PatientCard | undefined
  latestEncounter(patient: string): string | undefined
}

/** A directory over the store. */
export function createDirectory(store: Store, calendar: Calendar): Directory {
  const build = (patient: Resource) => buildCard(patient, store.list('Condition'), calendar)
  return {
    cards: () => store.list('Patient').map(build),
    card(id) {
      const entry = store.find('Patient', id)
      return entry === undefined || entry.deleted ? undefined : build(entry.resource)
    },
    latestEncounter: patient =>
      store
        .list('Encounter')
        .filter(encounter => isAbout(encounter, patient))
        .at(-1)?.id,
  }
}

function buildCard(patient: Resource, conditions: Resource[], { today }: Calendar): PatientCard {
  const { id, gender, birthDate } = patient
  const days = (today.getTime() - Date.parse(String(birthDate))) / 86_400_000
  const years = Math.floor(days / DAYS_A_YEAR)
  const age = years < 2 ? `${Math.floor(days / (DAYS_A_YEAR / 12))} months` : `${years} years`
  const problems = conditions
    .filter(one => isAbout(one, id) && valuesAt(one, 'clinicalStatus.coding.code')[0] === 'active')
    .map(one => valuesAt(one, 'code.text')[0])
  const [number] = valuesAt(patient, 'identifier.value')
  const given = valuesAt(patient, 'name.given')[0]
  const family = valuesAt(patient, 'name.family')[0]
  return {
    id,
    name: [given, family].filter(Boolean).join(' ') || id,
    summary: [age, gender, ...problems].filter(Boolean).join(' · '),
    identity: [birthDate && `Born ${birthDate}`, age, gender, number && `record ${number}`]
      .filter(Boolean)
      .join(' · '),
  }
}

function isAbout(resource: Resource, patient: string): boolean {
  return valuesAt(resource, 'subject.reference')[0] === `Patient/${patient}`
}
