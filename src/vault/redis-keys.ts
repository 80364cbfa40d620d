// Where each thing lies in Redis. Ids and hashes only ever stand behind a fixed beginning.

import type { RecordId } from './vault.ts'

const PREFIX = 'fhirstorm'
export const RECORD = `${PREFIX}:record:`
export const KEY_MARKS = `${PREFIX}:key-marks`

/** A record by its id. */
export function recordKey(id: RecordId): string {
  return RECORD + id
}

/** The sorted set of the records under one keyed hash. */
export function indexKey(entry: string): string {
  return `${PREFIX}:index:${entry}`
}

/** What somebody has taken. */
export function takenKey(key: string): string {
  return `${PREFIX}:taken:${key}`
}

/** A sealed text that waits to be drawn. */
export function depositKey(key: string): string {
  return `${PREFIX}:deposit:${key}`
}

/** Who may renew a record at present. */
export function leaseKey(id: RecordId): string {
  return `${PREFIX}:lease:${id}`
}
