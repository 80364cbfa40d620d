// The sandbox's world: ten patients, and who cares for them. The same every time but for its today. Pure.

import type { Resource } from '../fhir/resource.ts'
import { adults } from './adults.ts'
import type { Calendar } from './calendar.ts'
import { children } from './children.ts'
import { buildDocuments } from './documents.ts'
import { elders } from './elders.ts'
import { buildObservations } from './observations.ts'
import {
  buildAllergies,
  buildConditions,
  buildEncounters,
  buildFamilyHistory,
  buildImmunizations,
  buildMedicationRequests,
  buildMedicationStatements,
  buildPatient,
} from './record.ts'
import type { Story } from './story.ts'

/** Every resource of the sandbox as it begins, each with its id. */
export function buildPopulation(calendar: Calendar): Resource[] {
  const stories = [...adults, ...children, ...elders].sort((a, b) => (a.id < b.id ? -1 : 1))
  return [...staff, ...stories.flatMap(story => buildRecord(story, calendar))]
}

function buildRecord(story: Story, calendar: Calendar): Resource[] {
  return [
    buildPatient(story, calendar),
    ...buildEncounters(story, calendar),
    ...buildConditions(story, calendar),
    ...buildMedicationRequests(story, calendar),
    ...buildMedicationStatements(story, calendar),
    ...buildAllergies(story, calendar),
    ...buildImmunizations(story, calendar),
    ...buildFamilyHistory(story, calendar),
    ...buildDocuments(story, calendar),
    ...buildObservations(story, calendar),
  ]
}

const staff: readonly Resource[] = [
  {
    resourceType: 'Organization',
    id: 'riverside',
    active: true,
    name: 'Riverside Clinic',
  },
  {
    resourceType: 'Practitioner',
    id: 'maria-rivera',
    active: true,
    name: [{ family: 'Rivera', given: ['Maria'], prefix: ['Dr.'], text: 'Dr. Maria Rivera' }],
    qualification: [{ code: { text: 'Physician' } }],
  },
  {
    resourceType: 'Practitioner',
    id: 'sam-adeyemi',
    active: true,
    name: [{ family: 'Adeyemi', given: ['Sam'], text: 'Sam Adeyemi' }],
    qualification: [{ code: { text: 'Registered nurse' } }],
  },
  {
    resourceType: 'RelatedPerson',
    id: 'linh-nguyen',
    active: true,
    patient: { reference: 'Patient/chloe-nguyen' },
    relationship: [{ text: 'Mother' }],
    name: [{ family: 'Nguyen', given: ['Linh'], text: 'Linh Nguyen' }],
  },
]
