// `fhirContext`: the resources a launch is about besides patient and encounter. An item must name its
// resource by reference, canonical or identifier and have a role; what does not is dropped. Nothing is
// ever resolved: it may live on another server. Pure: no I/O, no clock (SC-25 to SC-28).

import { isAbsent } from '../absent.ts'
import { isRecord } from '../json.ts'
import type { FhirContextItem } from '../types.ts'
import { parseText } from './member.ts'

const MAX_ITEMS = 100
const MAX_TEXT = 1024
/** What a page may make a link of: never a script. */
const SCHEME = /^[^/?#]*:/
const HARMLESS = /^(?:https?|urn):/i
const TYPE = /^[A-Z][A-Za-z]{0,63}$/

export interface ParsedFhirContext {
  items: FhirContextItem[]
  warnings: string[]
}

/** Reads the member `fhirContext`; a list of plain references, as SMART 2.0 had it, is read too. */
export function parseFhirContext(value: unknown): ParsedFhirContext {
  if (isAbsent(value)) return { items: [], warnings: [] }
  if (!Array.isArray(value)) return { items: [], warnings: ['fhirContext dropped'] }
  const items = value.slice(0, MAX_ITEMS).flatMap(item => parseItem(item) ?? [])
  const warnings = items.length < value.length ? ['fhirContext: items dropped'] : []
  if (items.some(repeatsLaunchContext)) {
    warnings.push('fhirContext: a patient or encounter without a role of its own')
  }
  return { items, warnings }
}

function parseItem(value: unknown): FhirContextItem | undefined {
  const item = typeof value === 'string' ? { reference: value } : value
  if (!isRecord(item)) return undefined
  const role = item.role === undefined ? 'launch' : parseText(item.role, MAX_TEXT)
  const reference = parseAddress(item.reference)
  const canonical = parseAddress(item.canonical)
  const identifier = parseIdentifier(item.identifier)
  if (!role || !(reference || canonical || identifier)) return undefined
  const type = typeof item.type === 'string' && TYPE.test(item.type) ? item.type : undefined
  return { reference, canonical, identifier, type, role }
}

/** A relative reference, or an address that leads to nothing but a document. */
function parseAddress(value: unknown): string | undefined {
  const text = parseText(value, MAX_TEXT)
  return text !== undefined && SCHEME.test(text) && !HARMLESS.test(text) ? undefined : text
}

function parseIdentifier(value: unknown): FhirContextItem['identifier'] {
  if (!isRecord(value)) return undefined
  const system = parseText(value.system, MAX_TEXT)
  const text = parseText(value.value, MAX_TEXT)
  return system || text ? { system, value: text } : undefined
}

// They belong into `patient` and `encounter`; here they are kept and never become the context.
function repeatsLaunchContext({ reference, role }: FhirContextItem): boolean {
  return role === 'launch' && /(?:^|\/)(?:Patient|Encounter)\/[^/]+$/.test(reference ?? '')
}
