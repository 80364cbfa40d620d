// What BALP 1.1.4 demands of an AuditEvent, written from the published profiles: fixed codes, slices by
// type or role, and how often each element may be there; and R4's own schema and codes.

import { readFileSync } from 'node:fs'
import { Ajv } from 'ajv'
import draft6 from 'ajv/dist/refs/json-schema-draft-06.json' with { type: 'json' }

/** How often an element may be there. */
type Times = readonly [min: number, max: number]

interface Slice {
  /** `SYSTEM|CODE` of the discriminator, any of them. */
  codes: readonly string[]
  times: Times
  /** Elements by path, with how often each may be there. */
  elements?: Readonly<Record<string, Times>>
  /** Elements that have one value. */
  fixed?: Readonly<Record<string, unknown>>
  /** Elements with a code, any of these. */
  bound?: Readonly<Record<string, readonly string[]>>
}

interface Sliced {
  times: Times
  by: 'type' | 'role'
  isClosed?: boolean
  slices: Readonly<Record<string, Slice>>
}

interface Profile {
  type?: string
  subtype?: { times: Times; codes: readonly string[] }
  action?: string
  outcome?: string
  agent: Sliced
  entity?: Sliced
}

const MANY = Number.POSITIVE_INFINITY
const ONE: Times = [1, 1]
const NONE: Times = [0, 0]
const SOME: Times = [1, MANY]
const MAYBE: Times = [0, 1]

const DCM = 'http://dicom.nema.org/resources/ontology/DCM|'
const HL7 = 'http://terminology.hl7.org/CodeSystem/'
const BALP = 'https://profiles.ihe.net/ITI/BALP/'
const role = (code: number) => `${HL7}object-role|${code}`
const kind = (code: number) => `${HL7}audit-entity-type|${code}`
const participation = (code: string) => `${HL7}v3-ParticipationType|${code}`
const agentType = (code: string) => `${BALP}CodeSystem/UserAgentTypes|${code}`
const interaction = (code: string) => `http://hl7.org/fhir/restful-interaction|${code}`

const device = { who: ONE, network: ONE, media: NONE }
const user = { who: ONE, media: NONE, network: NONE }
const sources = ['AUT', 'INF', 'CST'].map(participation)
const transaction: Slice = {
  codes: [`${BALP}CodeSystem/BasicAuditEntityType|XrequestId`],
  times: MAYBE,
  elements: { 'what.identifier.value': ONE },
}
const data: Slice = {
  codes: [kind(2)],
  times: ONE,
  elements: { what: ONE },
  bound: { role: [role(4), role(3), role(20)] },
}
const query: Slice = {
  codes: [kind(2)],
  times: ONE,
  elements: { what: NONE, lifecycle: NONE, detail: NONE, query: ONE, role: ONE },
  bound: { role: [role(24)] },
}
const patient: Slice = {
  codes: [kind(1)],
  times: ONE,
  elements: { what: ONE, role: ONE },
  fixed: { 'what.type': 'Patient' },
  bound: { role: [role(1)] },
}

function rest(
  code: { codes: readonly string[]; action: string },
  agents: { client: string; server: string; user: readonly string[] },
  what: Slice,
): Profile {
  return {
    type: `${HL7}audit-event-type|rest`,
    subtype: { times: SOME, codes: code.codes },
    action: code.action,
    outcome: '0',
    agent: {
      times: [2, MANY],
      by: 'type',
      slices: {
        client: { codes: [agents.client], times: ONE, elements: device },
        server: { codes: [agents.server], times: ONE, elements: device },
        user: { codes: agents.user, times: MAYBE, elements: user, fixed: { requestor: true } },
      },
    },
    entity: { times: SOME, by: 'type', slices: { transaction, data: what } },
  }
}

function ofPatient(profile: Profile): Profile {
  const entity = profile.entity as Sliced
  return {
    ...profile,
    entity: { ...entity, times: [2, MANY], slices: { ...entity.slices, patient } },
  }
}

const reading = {
  client: `${DCM}110152`,
  server: `${DCM}110153`,
  user: [participation('IRCP')],
}
const asking = { client: `${DCM}110153`, server: `${DCM}110152`, user: [participation('IRCP')] }
const writing = { ...asking, user: sources }
const deleting = {
  client: `${DCM}110150`,
  server: `${HL7}provenance-participant-type|custodian`,
  user: sources,
}
const codes = (...names: string[]) => names.map(interaction)

const basic = {
  Read: rest({ codes: codes('read', 'vread'), action: 'R' }, reading, data),
  Query: rest(
    { codes: codes('search', 'search-type', 'search-system'), action: 'E' },
    asking,
    query,
  ),
  Create: rest({ codes: codes('create'), action: 'C' }, writing, {
    ...data,
    elements: { what: ONE, role: ONE },
  }),
  Update: rest({ codes: codes('update', 'patch'), action: 'U' }, writing, data),
  Delete: rest({ codes: codes('delete'), action: 'D' }, deleting, data),
}

const opaque: Profile = {
  agent: {
    times: SOME,
    by: 'type',
    slices: {
      oUser: {
        codes: [agentType('UserOauthAgent')],
        times: SOME,
        elements: { policy: ONE },
        fixed: { requestor: true },
      },
    },
  },
}

const getAccessToken: Profile = {
  type: `${DCM}110114`,
  subtype: { times: ONE, codes: ['urn:ihe:event-type-code|ITI-71'] },
  action: 'E',
  outcome: '0',
  agent: {
    times: [2, 3],
    by: 'type',
    isClosed: true,
    slices: {
      client: { codes: [`${DCM}110150`], times: ONE, elements: device },
      'auth-server': { codes: [agentType('AuthzOauthService')], times: ONE, elements: device },
      user: {
        codes: [participation('IRCP')],
        times: MAYBE,
        elements: { ...user, altId: NONE },
        fixed: { requestor: true },
      },
    },
  },
  entity: {
    times: ONE,
    by: 'role',
    isClosed: true,
    slices: {
      'token-request': {
        codes: [role(24)],
        times: ONE,
        elements: { what: NONE, query: ONE },
        bound: { type: [kind(2)] },
      },
    },
  },
}

/** The profiles by their addresses. */
export const profiles: Readonly<Record<string, Profile>> = {
  ...Object.fromEntries(
    Object.entries(basic).flatMap(([name, profile]) => [
      [`${BALP}StructureDefinition/IHE.BasicAudit.${name}`, profile],
      [`${BALP}StructureDefinition/IHE.BasicAudit.Patient${name}`, ofPatient(profile)],
    ]),
  ),
  [`${BALP}StructureDefinition/IHE.BasicAudit.OAUTHaccessTokenUse.Opaque`]: opaque,
  [`${BALP}StructureDefinition/IHE.IUA.71`]: getAccessToken,
}

const isR4 = new Ajv({ strict: false })
  .addMetaSchema(draft6)
  .compile(JSON.parse(readFileSync('test/audit/fixtures/audit-event.schema.json', 'utf8')))

/** DICOM's event types and subtypes that R4 takes, and FHIR's own. */
const R4_TYPES = /^(?:http:\/\/dicom\S+\|1101(?:0\d|1[0-4])|\S+audit-event-type\|rest)$/
const R4_SUBTYPES =
  /^(?:http:\/\/dicom\S+\|1101(?:2\d|3\d|4[0-2])|urn:ihe:event-type-code\|ITI-71|http:\/\/hl7\.org\/fhir\/restful-interaction\|(?:v?read|update|patch|delete|history-(?:instance|type|system)|create|search(?:-type|-system)?|capabilities|transaction|batch|operation))$/

type Json = Record<string, unknown>

/** What is wrong with an event, by R4 and by each profile that it says to follow. */
export function listFaults(event: Json): string[] {
  const faults = isR4(event)
    ? []
    : [`R4: ${isR4.errors?.[0]?.instancePath} ${isR4.errors?.[0]?.message}`]
  if (!R4_TYPES.test(codeOf(event.type))) faults.push('type')
  for (const subtype of list(event.subtype)) {
    if (!R4_SUBTYPES.test(codeOf(subtype))) faults.push('subtype')
  }
  // R4's JSON has neither empty lists nor empty objects.
  if (/\[\]|\{\}/.test(JSON.stringify(event).replace(/"(?:[^"\\]|\\.)*"/g, '""')))
    faults.push('empty')
  // sev-1 of R4.
  if (list(event.entity).some(entity => 'name' in entity && 'query' in entity)) faults.push('sev-1')
  const { profile = [] } = (event.meta ?? {}) as { profile?: string[] }
  for (const url of profile) {
    const rules = profiles[url]
    if (rules === undefined) faults.push(`${url} is no profile`)
    else faults.push(...listProfileFaults(event, rules).map(fault => `${url}: ${fault}`))
  }
  return faults
}

/** What keeps an event from following a profile; of one that failed, but for its outcome. */
export function listProfileFaults(event: Json, rules: Profile): string[] {
  const faults: string[] = []
  if (rules.type && codeOf(event.type) !== rules.type) faults.push('type')
  if (rules.action && event.action !== rules.action) faults.push('action')
  if (rules.outcome && event.outcome !== rules.outcome) faults.push('outcome')
  if (rules.subtype) {
    const subtypes = list(event.subtype)
    const fitting = subtypes.filter(one => rules.subtype?.codes.includes(codeOf(one)))
    if (!isWithin(subtypes.length, rules.subtype.times) || fitting.length !== 1) {
      faults.push('subtype')
    }
  }
  faults.push(...listSliceFaults('agent', event.agent, rules.agent))
  if (rules.entity) faults.push(...listSliceFaults('entity', event.entity, rules.entity))
  return faults
}

function listSliceFaults(place: string, value: unknown, rules: Sliced): string[] {
  const items = list(value)
  const faults = isWithin(items.length, rules.times) ? [] : [`${place}: ${items.length}`]
  const taken = new Set<Json>()
  for (const [name, slice] of Object.entries(rules.slices)) {
    const own = items.filter(item =>
      codesOf(item[rules.by]).some(code => slice.codes.includes(code)),
    )
    if (!isWithin(own.length, slice.times)) faults.push(`${place}:${name}: ${own.length}`)
    for (const item of own) {
      taken.add(item)
      faults.push(...listElementFaults(item, slice).map(fault => `${place}:${name}.${fault}`))
    }
  }
  if (rules.isClosed && taken.size < items.length) faults.push(`${place}: one of no slice`)
  return faults
}

function listElementFaults(item: Json, { elements, fixed, bound }: Slice): string[] {
  const counts = Object.entries(elements ?? {}).filter(
    ([path, times]) => !isWithin(countOf(item, path), times),
  )
  const values = Object.entries(fixed ?? {}).filter(([path, value]) => read(item, path) !== value)
  const coded = Object.entries(bound ?? {}).filter(([path, allowed]) => {
    const found = codesOf(read(item, path))
    return found.length > 0 && !found.some(code => allowed.includes(code))
  })
  return [...counts, ...values, ...coded].map(([path]) => path)
}

function read(item: unknown, path: string): unknown {
  return path.split('.').reduce<unknown>((value, name) => (value as Json | undefined)?.[name], item)
}

function countOf(item: Json, path: string): number {
  const value = read(item, path)
  if (value === undefined) return 0
  return Array.isArray(value) ? value.length : 1
}

function isWithin(count: number, [min, max]: Times): boolean {
  return count >= min && count <= max
}

function codeOf(value: unknown): string {
  const { system, code } = (value ?? {}) as { system?: string; code?: string }
  return `${system}|${code}`
}

/** Of a Coding, or of each one of a CodeableConcept. */
function codesOf(value: unknown): string[] {
  if (value === undefined) return []
  const { coding } = value as { coding?: unknown[] }
  return coding ? coding.map(codeOf) : [codeOf(value)]
}

function list(value: unknown): Json[] {
  return Array.isArray(value) ? value : []
}
