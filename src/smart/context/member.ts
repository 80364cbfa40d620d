// Single members of an EHR's answers as bounded values: texts, FHIR ids, addresses, yes and no. Each is
// undefined for what does not fit; nothing is cut or repaired. Pure: no I/O, no clock (attacks T8).

import { isRecord } from '../json.ts'

const MAX_URL_LENGTH = 2048

/** A text without control characters, of at most `max` characters. */
export function parseText(value: unknown, max: number): string | undefined {
  const fits = typeof value === 'string' && value.length <= max
  return fits && /^[^\p{Cc}\p{Cs}]+$/u.test(value) ? value : undefined
}

/** A list of texts; undefined when one of them does not fit. */
export function parseTexts(
  value: unknown,
  { max, maxItems }: { max: number; maxItems: number },
): string[] | undefined {
  if (!Array.isArray(value) || value.length > maxItems) return undefined
  const texts = value.flatMap(item => parseText(item, max) ?? [])
  return texts.length === value.length ? texts : undefined
}

// Underscores are no part of FHIR ids, and of those that some servers give.
const ID = /^(?!\.+$)[A-Za-z0-9._-]{1,64}$/

/**
 * A FHIR id in any spelling that leaves nothing to guess: bare, as a whole number, as `Patient/ID`
 * with or without its version, as the address of that below one of the FHIR bases given, or any of
 * these in a Reference. Nothing that a path could take for a step.
 */
export function parseResourceId(
  value: unknown,
  type: 'Patient' | 'Encounter',
  bases: readonly string[] = [],
): string | undefined {
  const text = readReference(value)
  if (text === undefined) return undefined
  const base = bases.map(withSlash).find(prefix => text.startsWith(prefix)) ?? ''
  const [first = '', ...rest] = text.slice(base.length).split('/')
  if (rest.length === 0) return base === '' && ID.test(first) ? first : undefined
  const [id = '', history, version = ''] = rest
  const isVersioned = rest.length === 3 && history === '_history' && ID.test(version)
  return first === type && (rest.length === 1 || isVersioned) && ID.test(id) ? id : undefined
}

/** Why a value that is there was not read as an id, in fixed words. */
export function explainNoId(value: unknown): string {
  if (typeof value === 'number') return 'a number that is not exact'
  const text = readReference(value)
  if (text === undefined) return 'neither text nor number'
  if (/^[A-Za-z][A-Za-z0-9+.-]*:/.test(text)) return 'an address outside the FHIR base'
  if (/^[A-Z][A-Za-z]{0,63}\//.test(text)) return 'a reference to something else'
  return 'no FHIR id'
}

// Digits beyond a double's are lost before anybody reads them: such a number may be another patient's.
function readReference(value: unknown): string | undefined {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? String(value) : undefined
  if (typeof value === 'string') return value
  return isRecord(value) && typeof value.reference === 'string' ? value.reference : undefined
}

function withSlash(base: string): string {
  return base.endsWith('/') ? base : `${base}/`
}

/** An http(s) address without user and password, as it was written. */
export function parseWebUrl(value: unknown): string | undefined {
  if (typeof value !== 'string' || value.length > MAX_URL_LENGTH) return undefined
  if (!/^https?:\/\/[\x21-\x7e]+$/.test(value) || !URL.canParse(value)) return undefined
  const { username, password } = new URL(value)
  return username || password ? undefined : value
}

/** True or false, also spelt as a text. */
export function parseBoolean(value: unknown): boolean | undefined {
  if (value === true || value === 'true') return true
  return value === false || value === 'false' ? false : undefined
}
