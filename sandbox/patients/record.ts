// Everything of a patient's record but observations and documents: person, visits, problems,
// medications, allergies, immunizations, the parents. Pure.

import type { Quantity, Reference, Resource } from '../fhir/resource.ts'
import { type Calendar, DAYS_A_YEAR } from './calendar.ts'
import { allergens, concept, drugs, problems, systems, vaccines } from './coding.ts'
import { createRandom } from './random.ts'
import type { Story } from './story.ts'

const physician: Reference = {
  reference: 'Practitioner/maria-rivera',
  display: 'Dr. Maria Rivera',
}

/** The person. */
export function buildPatient(story: Story, calendar: Calendar): Resource {
  const { id, given, family, otherName, gender, ageYears, city } = story
  return {
    resourceType: 'Patient',
    id,
    identifier: [
      {
        use: 'usual',
        type: concept(systems.identifierType, 'MR', 'Medical record number'),
        system: 'https://sandbox.example/mrn',
        value: recordNumber(story),
      },
    ],
    active: true,
    name: [
      { use: 'official', text: `${given.join(' ')} ${family}`, family, given: [...given] },
      ...(otherName === undefined ? [] : [{ use: 'usual', text: otherName }]),
    ],
    gender,
    birthDate: calendar.day(ageYears * DAYS_A_YEAR),
    address: [{ use: 'home', city, state: 'IL', country: 'US' }],
    generalPractitioner: [physician],
    managingOrganization: { reference: 'Organization/riverside', display: 'Riverside Clinic' },
  }
}

/** The number of the patient's record: six digits, the same every time. */
export function recordNumber({ id }: Story): string {
  return String(createRandom(`${id}/record`).between(100_000, 999_999))
}

/** The visits, oldest first. */
export function buildEncounters({ id, visits }: Story, calendar: Calendar): Resource[] {
  const { every, days, reason } = visits
  return Array.from({ length: Math.floor(days / every) + 1 }, (_, index) => {
    const daysAgo = days - index * every + 1
    return {
      resourceType: 'Encounter',
      id: `${id}-visit-${index + 1}`,
      status: 'finished',
      class: { system: systems.actCode, code: 'AMB', display: 'ambulatory' },
      type: [{ text: reason }],
      subject: { reference: `Patient/${id}` },
      participant: [{ individual: physician }],
      period: {
        start: calendar.instant(daysAgo, 9, 0),
        end: calendar.instant(daysAgo, 9, 30),
      },
      serviceProvider: { reference: 'Organization/riverside' },
    }
  })
}

/** The problem list. */
export function buildConditions(
  { id, problems: list = [] }: Story,
  calendar: Calendar,
): Resource[] {
  return list.map(({ problem, yearsAgo, resolved = false }) => ({
    resourceType: 'Condition',
    id: `${id}-${kebab(problem)}`,
    clinicalStatus: concept(
      systems.conditionClinical,
      resolved ? 'resolved' : 'active',
      resolved ? 'Resolved' : 'Active',
    ),
    verificationStatus: concept(systems.conditionVerification, 'confirmed', 'Confirmed'),
    category: [concept(systems.conditionCategory, 'problem-list-item', 'Problem List Item')],
    code: problems[problem],
    subject: { reference: `Patient/${id}` },
    onsetDateTime: calendar.day(yearsAgo * DAYS_A_YEAR),
    recordedDate: calendar.day(yearsAgo * DAYS_A_YEAR),
    recorder: physician,
  }))
}

/** What was prescribed. */
export function buildMedicationRequests(story: Story, calendar: Calendar): Resource[] {
  const { id, medications = [] } = story
  return medications.map(({ drug, dose, yearsAgo, stopped = false }) => ({
    resourceType: 'MedicationRequest',
    id: `${id}-${kebab(drug)}`,
    status: stopped ? 'completed' : 'active',
    intent: 'order',
    medicationCodeableConcept: drugs[drug],
    subject: { reference: `Patient/${id}` },
    authoredOn: calendar.day(yearsAgo * DAYS_A_YEAR),
    requester: physician,
    dosageInstruction: [{ text: dose }],
  }))
}

/** What the patient takes, as far as the practice knows. */
export function buildMedicationStatements(story: Story, calendar: Calendar): Resource[] {
  const { id, medications = [] } = story
  return medications.map(({ drug, dose, yearsAgo, stopped = false }) => {
    const start = calendar.day(yearsAgo * DAYS_A_YEAR)
    return {
      resourceType: 'MedicationStatement',
      id: `${id}-takes-${kebab(drug)}`,
      status: stopped ? 'completed' : 'active',
      medicationCodeableConcept: drugs[drug],
      subject: { reference: `Patient/${id}` },
      effectivePeriod: { start, ...(stopped ? { end: calendar.day(yearsAgo * 365 - 10) } : {}) },
      dateAsserted: calendar.day(1),
      informationSource: physician,
      dosage: [{ text: dose }],
    }
  })
}

/** What is not tolerated. */
export function buildAllergies({ id, allergies = [] }: Story, calendar: Calendar): Resource[] {
  return allergies.map(({ allergen, category, reaction, criticality, yearsAgo }) => ({
    resourceType: 'AllergyIntolerance',
    id: `${id}-${kebab(allergen)}`,
    clinicalStatus: concept(systems.allergyClinical, 'active', 'Active'),
    verificationStatus: concept(systems.allergyVerification, 'confirmed', 'Confirmed'),
    type: 'allergy',
    category: [category],
    criticality,
    code: allergens[allergen],
    patient: { reference: `Patient/${id}` },
    onsetDateTime: calendar.day(yearsAgo * DAYS_A_YEAR),
    recordedDate: calendar.day(yearsAgo * DAYS_A_YEAR - 3),
    recorder: physician,
    reaction: [{ manifestation: [{ text: reaction }] }],
  }))
}

/** The parents of a child, with the heights that growth charts read from an extension of SMART's. */
export function buildFamilyHistory({ id, parents }: Story, calendar: Calendar): Resource[] {
  if (parents === undefined) return []
  return relatives.map(({ name, code, display }) => ({
    resourceType: 'FamilyMemberHistory',
    id: `${id}-${name}`,
    extension: [{ url: PARENT_HEIGHT, valueQuantity: centimetres(parents[name]) }],
    status: 'completed',
    patient: { reference: `Patient/${id}` },
    date: calendar.day(30),
    relationship: concept(systems.roleCode, code, display),
  }))
}

const PARENT_HEIGHT =
  'http://fhir-registry.smarthealthit.org/StructureDefinition/family-history#height'

const relatives = [
  { name: 'mother', code: 'MTH', display: 'Mother' },
  { name: 'father', code: 'FTH', display: 'Father' },
] as const

function centimetres(value: number): Quantity {
  return { value, unit: 'cm', system: systems.ucum, code: 'cm' }
}

/** What was given against infections. */
export function buildImmunizations(story: Story, calendar: Calendar): Resource[] {
  const { id, ageYears, immunizations = [] } = story
  return immunizations.map(([vaccine, atAge], index) => ({
    resourceType: 'Immunization',
    id: `${id}-immunization-${index + 1}`,
    status: 'completed',
    vaccineCode: vaccines[vaccine],
    patient: { reference: `Patient/${id}` },
    occurrenceDateTime: calendar.day((ageYears - atAge) * DAYS_A_YEAR),
    primarySource: true,
  }))
}

function kebab(name: string): string {
  return name.replace(/[A-Z]|\d+/g, part => `-${part.toLowerCase()}`)
}
