// What a long run writes down, and which failures it may have: a fault excuses only what it can have caused,
// and only while it lasts.

export const acts = ['login', 'read', 'search', 'write', 'look', 'events', 'logout'] as const
export type Act = (typeof acts)[number]

export const faults = [
  ...['renewal', 'reload', 'faulty reload', 'restart', 'slow EHR'],
  ...['EHR down', 'kill', 'Redis down'],
] as const
export type Fault = (typeof faults)[number]

/** Times in milliseconds of one monotonic clock. */
interface Span {
  start: number
  end: number
}

export interface Done extends Span {
  act: Act
  /** HTTP status; 0 for an answer that was cut off or never came. */
  status: number
  /** What Proxy-Status says of it. */
  code: string
}

export interface Made extends Span {
  fault: Fault
}

/** What each act answers when nothing is wrong. */
const EXPECTED: Readonly<Record<Act, readonly number[]>> = {
  login: [200],
  read: [200],
  search: [200],
  write: [200, 201],
  look: [200],
  events: [200],
  logout: [200],
}

/** How long after it a fault is still felt: connections are opened again, an EHR is asked again. */
const FELT_MS = 5_000

/** Whether an act did what it should have. */
export function isFine({ act, status }: Done): boolean {
  return EXPECTED[act].includes(status)
}

/** Whether a fault of the same time is the reason: nothing else may fail. */
export function isExcused(done: Done, made: readonly Made[]): boolean {
  return made.some(fault => mayCause(fault, done))
}

function mayCause({ fault, start, end }: Made, done: Done): boolean {
  if (done.start > end + FELT_MS || done.end < start) return false
  const isCut = done.status === 0
  if (fault === 'kill') return isCut && done.start <= end
  if (fault === 'Redis down') return done.status === 503
  if (fault === 'EHR down') return [502, 503, 504].includes(done.status) || done.act === 'login'
  return false
}
