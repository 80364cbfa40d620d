// FHIR dates for people: partial ones as they are, dates without a time as that day everywhere, instants
// in the time zone of this computer. Pure.

const day = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium' })
const calendarDay = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeZone: 'UTC' })
const month = new Intl.DateTimeFormat(undefined, {
  month: 'short',
  year: 'numeric',
  timeZone: 'UTC',
})
const time = new Intl.DateTimeFormat(undefined, { timeStyle: 'short' })

/** A FHIR date, dateTime or instant as a day; undefined for none. */
export function formatDay(value) {
  if (value === undefined || Number.isNaN(Date.parse(value))) return value
  if (/^\d{4}$/.test(value)) return value
  if (/^\d{4}-\d\d$/.test(value)) return month.format(new Date(value))
  return (value.length === 10 ? calendarDay : day).format(new Date(value))
}

/** The time of day of an instant. */
export function formatTime(value) {
  return time.format(new Date(value))
}

/**
 * How old somebody is, or was on the day of death, who was born on that day: in the unit that fits;
 * a birth date that is not whole makes it an estimate.
 */
export function formatAge(birthDate, now) {
  const [year, month = 1, date = 1] = birthDate.split('-').map(Number)
  const today = { year: now.getFullYear(), month: now.getMonth() + 1, date: now.getDate() }
  const months = (today.year - year) * 12 + today.month - month - (today.date < date ? 1 : 0)
  const about = birthDate.length < 10 ? 'about ' : ''
  if (months >= 24) return `${about}${Math.floor(months / 12)} years`
  return months === 1 ? `${about}1 month` : `${about}${months} months`
}

/** A span of whole seconds as `11 h 59 min`, below an hour as `14:32`. */
export function formatSpan(seconds) {
  const minutes = Math.floor(seconds / 60)
  if (minutes >= 60) return `${Math.floor(minutes / 60)} h ${minutes % 60} min`
  return `${minutes}:${String(seconds % 60).padStart(2, '0')}`
}

/** A span of seconds in words, for whoever listens: `2 minutes`, `30 seconds`. */
export function speakSpan(seconds) {
  const [count, unit] = seconds >= 60 ? [Math.round(seconds / 60), 'minute'] : [seconds, 'second']
  return `${count} ${unit}${count === 1 ? '' : 's'}`
}
