// Requests to the DSTU2 face as requests to the store, which is R4's: names of types, scopes and search
// parameters as they were in DSTU2. The face is read only. Pure.

import { notAllowed } from './interactions.ts'
import { FhirProblem } from './problem.ts'
import type { FhirRequest } from './request.ts'

interface Dstu2Type {
  /** The type's name in the store. */
  stored: string
  /** Search parameters that had other names: DSTU2's, and the store's. */
  parameters?: Readonly<Record<string, string>>
}

const types: Readonly<Record<string, Dstu2Type>> = {
  Patient: { stored: 'Patient' },
  Practitioner: { stored: 'Practitioner' },
  RelatedPerson: { stored: 'RelatedPerson' },
  Organization: { stored: 'Organization' },
  Encounter: { stored: 'Encounter' },
  Observation: { stored: 'Observation' },
  Condition: {
    stored: 'Condition',
    parameters: {
      clinicalstatus: 'clinical-status',
      'date-recorded': 'recorded-date',
      onset: 'onset-date',
    },
  },
  MedicationOrder: {
    stored: 'MedicationRequest',
    parameters: { datewritten: 'authoredon', prescriber: 'requester' },
  },
  MedicationStatement: {
    stored: 'MedicationStatement',
    parameters: { effectivedate: 'effective' },
  },
  AllergyIntolerance: {
    stored: 'AllergyIntolerance',
    parameters: { status: 'clinical-status', substance: 'code' },
  },
  Immunization: { stored: 'Immunization' },
  FamilyMemberHistory: { stored: 'FamilyMemberHistory' },
  DocumentReference: {
    stored: 'DocumentReference',
    parameters: { class: 'category', created: 'date', indexed: 'date' },
  },
  Binary: { stored: 'Binary' },
}

/** The types that the DSTU2 face has, by their names of then. */
export const dstu2Types: readonly string[] = Object.keys(types)

/** The store's name of a type of DSTU2's, and how its search parameters differ. */
export function findDstu2Type(name: string): Dstu2Type | undefined {
  return Object.hasOwn(types, name) ? types[name] : undefined
}

/** DSTU2's name of a type in the store. */
export function nameInDstu2(stored: string): string {
  return dstu2Types.find(name => types[name]?.stored === stored) ?? stored
}

/** The request in the store's words; refuses with 405 what would change something, with 404 other types. */
export function fromDstu2(request: FhirRequest): FhirRequest {
  const { method, segments, query } = request
  if (method !== 'GET' && method !== 'HEAD') throw notAllowed('GET, HEAD')
  const [name, ...rest] = segments
  if (name === undefined) return request
  const type = findDstu2Type(name)
  if (type === undefined) {
    throw new FhirProblem(404, 'not-found', 'this face has no such resources')
  }
  return { ...request, segments: [type.stored, ...rest], query: renameParameters(query, type) }
}

/** Scopes of DSTU2's types in the store's words. */
export function scopesFromDstu2(scope: string): string {
  return scope.replace(/\bMedicationOrder\b/g, 'MedicationRequest')
}

/** Sorting was `_sort:desc=date` then, and is `_sort=-date`. */
function renameParameters(query: URLSearchParams, type: Dstu2Type): URLSearchParams {
  const renamed = new URLSearchParams()
  for (const [name, value] of query) {
    const [plain = '', ...modifier] = name.split(':')
    if (plain === '_sort') {
      renamed.append('_sort', `${modifier[0] === 'desc' ? '-' : ''}${rename(value, type)}`)
    } else if (plain === '_include') {
      renamed.append('_include', `${type.stored}:${rename(value.split(':')[1] ?? '', type)}`)
    } else renamed.append([rename(plain, type), ...modifier].join(':'), value)
  }
  return renamed
}

function rename(name: string, { parameters = {} }: Dstu2Type): string {
  return parameters[name] ?? name
}
