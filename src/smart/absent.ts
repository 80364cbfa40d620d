// Members that are there and say nothing. Pure: no I/O, no clock.

/** Whether an optional member says nothing: servers write null and empty texts where they have none. */
export function isAbsent(value: unknown): value is undefined | null | '' {
  return value === undefined || value === null || value === ''
}
