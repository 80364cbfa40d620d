// Single members of an EHR's answers as bounded values: texts, FHIR ids, addresses, yes and no. Each is
// undefined for what does not fit; nothing is cut or repaired. Pure: no I/O, no clock (attacks T8).

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

/** A FHIR id, bare or as `Patient/ID`; nothing that a path could take for a step. */
export function parseResourceId(value: unknown, type: 'Patient' | 'Encounter'): string | undefined {
  if (typeof value !== 'string') return undefined
  const id = value.startsWith(`${type}/`) ? value.slice(type.length + 1) : value
  return /^(?!\.+$)[A-Za-z0-9.-]{1,64}$/.test(id) ? id : undefined
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
