// `authorization_details` as SMART uses them: what was granted at which FHIR servers. Parsed and told;
// no request of ours ever goes to a place that is named here. Pure: no I/O, no clock (RFC 9396; AL-50).

import { isAbsent } from '../absent.ts'
import { isRecord } from '../json.ts'
import type { AuthorizationDetail } from '../types.ts'
import { parseResourceId, parseText, parseTexts, parseWebUrl } from './member.ts'

const MAX_ITEMS = 50
const MAX_SCOPE = 4096
const LOCATIONS = { max: 2048, maxItems: 50 }
const VERSIONS = { max: 16, maxItems: 20 }
const SMART_TYPE = 'smart_on_fhir'

export interface ParsedAuthorizationDetails {
  items?: AuthorizationDetail[]
  warnings: string[]
}

/** Reads the member `authorization_details`; entries of other types or shapes are dropped. */
export function parseAuthorizationDetails(value: unknown): ParsedAuthorizationDetails {
  if (isAbsent(value)) return { warnings: [] }
  const entries: unknown[] = Array.isArray(value) ? value : [value]
  const items = entries.slice(0, MAX_ITEMS).flatMap(entry => parseEntry(entry) ?? [])
  const dropped = items.length < entries.length
  return { items, warnings: dropped ? ['authorization_details: entries dropped'] : [] }
}

function parseEntry(entry: unknown): AuthorizationDetail | undefined {
  if (!isRecord(entry) || entry.type !== SMART_TYPE) return undefined
  const locations = parseTexts(entry.locations, LOCATIONS)
  if (!locations?.every(parseWebUrl)) return undefined
  return {
    type: SMART_TYPE,
    locations,
    fhirVersions: parseTexts(entry.fhirVersions, VERSIONS) ?? [],
    scope: parseText(entry.scope, MAX_SCOPE),
    patient: parseResourceId(entry.patient, 'Patient'),
    encounter: parseResourceId(entry.encounter, 'Encounter'),
  }
}
