// What the text of a variable comes to as a setting. Pure: no I/O.

/** Origins one after the other; a slash at an end is forgiven. */
export function readOrigins(list: string): string[] {
  return list
    .split(/[\s,]+/)
    .filter(Boolean)
    .map(item => item.replace(/\/$/, ''))
}

/** A vault by the address of a Redis, or the path of a SQLite file. */
export function readVault(value: string): unknown {
  return /^rediss?:/.test(value) ? { kind: 'redis', url: value } : { kind: 'sqlite', path: value }
}

/** Where audit events go. */
export function readAudit(value: string): unknown {
  if (value === 'stdout') return { sink: 'stdout' }
  return /^https?:/.test(value) ? { sink: 'fhir', url: value } : { sink: 'file', path: value }
}

/** What is neither `true` nor `false` stays a text, for the schema to refuse. */
export function readFlag(value: string): unknown {
  return value === 'true' ? true : value === 'false' ? false : value
}
