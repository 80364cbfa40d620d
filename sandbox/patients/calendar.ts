// Dates counted back from one day, the sandbox's today, so that its patients never grow stale. Pure.

export interface Calendar {
  /** Midnight, UTC. */
  today: Date
  /** `YYYY-MM-DD` so many days ago. */
  day(daysAgo: number): string
  /** An instant on that day, to the minute, UTC. */
  instant(daysAgo: number, hour: number, minute: number): string
}

export const DAYS_A_YEAR = 365.25

/** The calendar whose today is the day of `now`. */
export function createCalendar(now: Date): Calendar {
  const today = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate()))
  const day = (daysAgo: number) =>
    new Date(today.getTime() - Math.round(daysAgo) * 86_400_000).toISOString().slice(0, 10)
  return {
    today,
    day,
    instant: (daysAgo, hour, minute) =>
      `${day(daysAgo)}T${twoDigits(hour)}:${twoDigits(minute)}:00Z`,
  }
}

function twoDigits(value: number): string {
  return String(value).padStart(2, '0')
}
