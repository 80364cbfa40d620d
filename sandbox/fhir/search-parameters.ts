// Which resource types the server has, and how each can be searched: `kind:path`, where a path may have
// alternatives and lists on the way are walked through.

export type SearchKind = 'token' | 'reference' | 'date' | 'string'

export interface SearchParameter {
  kind: SearchKind
  paths: readonly string[]
}

const everywhere = { _id: 'token:id', _lastUpdated: 'date:meta.lastUpdated' }
const ofSubject = { patient: 'reference:subject', subject: 'reference:subject' }
const ofPatient = { patient: 'reference:patient' }
const person = {
  name: 'string:name.text|name.family|name.given',
  family: 'string:name.family',
  given: 'string:name.given',
  identifier: 'token:identifier',
}

const table: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  Patient: {
    ...person,
    birthdate: 'date:birthDate',
    gender: 'token:gender',
    active: 'token:active',
  },
  Practitioner: person,
  RelatedPerson: { ...person, ...ofPatient },
  Organization: { name: 'string:name', identifier: 'token:identifier' },
  Location: { name: 'string:name' },
  Encounter: {
    ...ofSubject,
    date: 'date:period',
    status: 'token:status',
    class: 'token:class',
    type: 'token:type',
    participant: 'reference:participant.individual',
  },
  Observation: {
    ...ofSubject,
    code: 'token:code',
    category: 'token:category',
    date: 'date:effectiveDateTime|effectivePeriod',
    status: 'token:status',
    encounter: 'reference:encounter',
    performer: 'reference:performer',
    'component-code': 'token:component.code',
    'combo-code': 'token:code|component.code',
  },
  Condition: {
    ...ofSubject,
    code: 'token:code',
    category: 'token:category',
    'clinical-status': 'token:clinicalStatus',
    'onset-date': 'date:onsetDateTime',
    'recorded-date': 'date:recordedDate',
    encounter: 'reference:encounter',
  },
  MedicationRequest: {
    ...ofSubject,
    code: 'token:medicationCodeableConcept',
    status: 'token:status',
    intent: 'token:intent',
    authoredon: 'date:authoredOn',
    requester: 'reference:requester',
    encounter: 'reference:encounter',
  },
  MedicationStatement: {
    ...ofSubject,
    code: 'token:medicationCodeableConcept',
    status: 'token:status',
    effective: 'date:effectiveDateTime|effectivePeriod',
  },
  AllergyIntolerance: {
    ...ofPatient,
    code: 'token:code',
    category: 'token:category',
    'clinical-status': 'token:clinicalStatus',
    criticality: 'token:criticality',
    date: 'date:recordedDate',
  },
  FamilyMemberHistory: {
    ...ofPatient,
    date: 'date:date',
    relationship: 'token:relationship',
    status: 'token:status',
  },
  Immunization: {
    ...ofPatient,
    'vaccine-code': 'token:vaccineCode',
    date: 'date:occurrenceDateTime',
    status: 'token:status',
  },
  DocumentReference: {
    ...ofSubject,
    type: 'token:type',
    category: 'token:category',
    date: 'date:date',
    status: 'token:status',
  },
  Procedure: {
    ...ofSubject,
    code: 'token:code',
    date: 'date:performedDateTime|performedPeriod',
    status: 'token:status',
  },
  DiagnosticReport: {
    ...ofSubject,
    code: 'token:code',
    category: 'token:category',
    date: 'date:effectiveDateTime',
    status: 'token:status',
  },
  ServiceRequest: { ...ofSubject, code: 'token:code', status: 'token:status' },
  CarePlan: { ...ofSubject, category: 'token:category', status: 'token:status' },
  Goal: { ...ofSubject, 'lifecycle-status': 'token:lifecycleStatus' },
  QuestionnaireResponse: {
    ...ofSubject,
    questionnaire: 'string:questionnaire',
    authored: 'date:authored',
    status: 'token:status',
  },
  Communication: { ...ofSubject, status: 'token:status', sent: 'date:sent' },
  Task: { patient: 'reference:for', subject: 'reference:for', status: 'token:status' },
  Basic: { ...ofSubject, code: 'token:code', author: 'reference:author' },
  Binary: {},
}

/** The resource types of this server. */
export const resourceTypes: readonly string[] = Object.keys(table)

/** The parameters that a type can be searched by, by name. */
export const searchParameters: ReadonlyMap<string, ReadonlyMap<string, SearchParameter>> = new Map(
  Object.entries(table).map(([type, own]) => [type, parseEntries({ ...everywhere, ...own })]),
)

function parseEntries(entries: Readonly<Record<string, string>>): Map<string, SearchParameter> {
  return new Map(
    Object.entries(entries).map(([name, text]) => {
      const [kind, paths = ''] = text.split(':')
      return [name, { kind: kind as SearchKind, paths: paths.split('|') }]
    }),
  )
}
