// What happened in a run, as those outside saw it: every operation with its beginning, its end and its
// answer, every renewal that reached the EHR, every fault that was made. Times are milliseconds of one
// clock that nobody sets.

/** A good answer, a 401, or anything else: then it may have been done or not. */
export type Outcome = 'ok' | 'refused' | 'unknown'

interface Span {
  start: number
  end: number
}

/** An operation on one session through one process. */
export type Operation = Span & { session: string; process: number; outcome: Outcome } & (
    | { kind: 'login'; patient: string }
    | { kind: 'read'; patient?: string }
    | { kind: 'look'; generation?: number }
    | { kind: 'end' }
  )

/** A refresh token that the EHR was sent; the mark stands for it. */
export type Renewal = Span & { kind: 'renewal'; mark: string }

export type Fault = Span & {
  kind: 'fault'
  fault: 'kill' | 'pause' | 'line' | 'store' | 'disk' | 'clock' | 'slow' | 'expiry'
  process?: number
}

export type Entry = Operation | Renewal | Fault
export type History = readonly Entry[]

/** True for what a client did. */
export function isOperation(entry: Entry): entry is Operation {
  return entry.kind !== 'renewal' && entry.kind !== 'fault'
}

/** One line for each entry, in the order of their beginnings. */
export function printHistory(history: History): string {
  return [...history]
    .sort((a, b) => a.start - b.start)
    .map(({ start, end, kind, ...rest }) => {
      const details = Object.entries(rest).map(([name, value]) => `${name}=${value}`)
      return `${start.toFixed(1)}..${end.toFixed(1)} ${kind} ${details.join(' ')}`
    })
    .join('\n')
}
