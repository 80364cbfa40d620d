// FHIR's dates as stretches of time: a day is as long as it is (FHIR R4, search, date). Pure.

export interface Range {
  /** Milliseconds since the epoch. */
  start: number
  /** The first millisecond after it. */
  end: number
}

const DATE =
  /^(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(Z|[+-]\d\d:\d\d)?)?)?)?$/

/** The stretch that a date, or part of one, names; UTC where it names no offset. */
export function parseDateRange(text: string): Range | undefined {
  const match = DATE.exec(text)
  if (match === null) return undefined
  const [, year, month, day, hour, minute, second, fraction, offset = 'Z'] = match
  const time = `${hour ?? '00'}:${minute ?? '00'}:${second ?? '00'}.${(fraction ?? '0').padEnd(3, '0').slice(0, 3)}`
  const start = Date.parse(`${year}-${month ?? '01'}-${day ?? '01'}T${time}${offset}`)
  if (Number.isNaN(start)) return undefined
  if (fraction !== undefined) return { start, end: start + 1 }
  if (second !== undefined) return { start, end: start + 1000 }
  if (hour !== undefined) return { start, end: start + 60_000 }
  const end = new Date(start)
  if (day !== undefined) end.setUTCDate(end.getUTCDate() + 1)
  else if (month !== undefined) end.setUTCMonth(end.getUTCMonth() + 1)
  else end.setUTCFullYear(end.getUTCFullYear() + 1)
  return { start, end: end.getTime() }
}
