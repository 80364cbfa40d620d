// Judges a history by what the product promises. Pure. Only what must have come one after the other
// counts: an operation that began before another had ended may have been before or after it.

import { type Fault, type History, isOperation, type Operation, type Renewal } from './history.ts'

export const rules = [
  'a refresh token was sent twice',
  'a read was served after an acknowledged end',
  'an acknowledged session was lost',
  'a read showed another patient',
  'an ended session returned',
  'a generation went back',
] as const
export type Rule = (typeof rules)[number]

export interface Violation {
  rule: Rule
  /** The session or the mark that it is about. */
  about: string
}

export interface Judgement {
  violations: Violation[]
  /**
   * Sessions and tokens that a renewal cost in whose middle a process or a store was killed, or whose
   * answer came too late to be heard, as docs/faults.md says.
   */
  excused: number
}

/** How long a renewal may be under way when its process is killed. */
const UNDER_WAY_MS = 5_000
/** The product gives up after ten seconds, which begin before the EHR has read the request. */
const GIVEN_UP_MS = 8_000

/** Everything in this history that breaks a rule. */
export function checkHistory(history: History): Judgement {
  const violations: Violation[] = []
  let excused = 0
  const kills = history.filter(
    (entry): entry is Fault =>
      entry.kind === 'fault' && (entry.fault === 'kill' || entry.fault === 'store'),
  )
  const renewals = history.filter((entry): entry is Renewal => entry.kind === 'renewal')
  const cutRenewals = [
    ...kills.filter(kill => renewals.some(renewal => touches(kill, renewal))),
    ...renewals.filter(({ start, end }) => end - start > GIVEN_UP_MS),
  ].map(({ start }) => start)
  for (const [about, sent] of groupBy(renewals, ({ mark }) => mark)) {
    const [first, ...others] = sent.sort(byStart)
    if (others.length === 0) continue
    const last = others.at(-1)?.start ?? 0
    const isOrphan = kills.some(({ start, end }) => end >= first!.start && start <= last)
    if (others.length === 1 && isOrphan) excused++
    else violations.push({ rule: 'a refresh token was sent twice', about })
  }
  for (const [about, operations] of groupBy(history.filter(isOperation), each => each.session)) {
    for (const rule of judgeSession(operations, kills)) {
      const isExcused =
        rule === 'an acknowledged session was lost' && isCut(operations, cutRenewals)
      if (isExcused) excused++
      else violations.push({ rule, about })
    }
  }
  return { violations, excused }
}

function judgeSession(operations: readonly Operation[], kills: readonly Fault[]): Rule[] {
  const broken = new Set<Rule>()
  const served = operations.filter(
    ({ kind, outcome }) => (kind === 'read' || kind === 'look') && outcome === 'ok',
  )
  const ends = operations.filter(({ kind }) => kind === 'end')
  const acknowledged = firstEnd(ends.filter(({ outcome }) => outcome === 'ok'))
  const refused = operations.filter(({ outcome }) => outcome === 'refused')
  const login = operations.find(({ kind }) => kind === 'login')
  const patient = login?.kind === 'login' ? login.patient : undefined
  for (const operation of served) {
    if (operation.start > acknowledged) broken.add('a read was served after an acknowledged end')
    if (isAfterRefusal(operation, refused, kills)) broken.add('an ended session returned')
    if (patient && operation.kind === 'read' && operation.patient !== patient) {
      broken.add('a read showed another patient')
    }
  }
  const firstTry = Math.min(...ends.map(({ start }) => start))
  if (login?.outcome === 'ok' && refused.some(({ end }) => end < firstTry)) {
    broken.add('an acknowledged session was lost')
  }
  if (goesBack(served)) broken.add('a generation went back')
  return [...broken]
}

// Until an end is acknowledged one process may refuse what another still serves, and one that could not
// write it forgets it when it is killed. But none goes back on its own word.
function isAfterRefusal(
  { process, start }: Operation,
  refused: readonly Operation[],
  kills: readonly Fault[],
): boolean {
  const before = refused.filter(each => each.process === process && each.end < start)
  const last = Math.max(...before.map(({ end }) => end))
  return (
    before.length > 0 &&
    !kills.some(kill => kill.process === process && kill.end >= last && kill.start <= start)
  )
}

// The highest generation that was seen before a look began is the least that it may see.
function goesBack(served: readonly Operation[]): boolean {
  const looks = served.flatMap(each =>
    each.kind === 'look' && each.generation !== undefined
      ? [{ ...each, generation: each.generation }]
      : [],
  )
  const byEnd = [...looks].sort((a, b) => a.end - b.end)
  let seen = 0
  let highest = Number.NEGATIVE_INFINITY
  for (const look of [...looks].sort(byStart)) {
    for (let past = byEnd[seen]; past && past.end < look.start; past = byEnd[++seen]) {
      highest = Math.max(highest, past.generation)
    }
    if (look.generation < highest) return true
  }
  return false
}

/** Whether a renewal that was cut lies between the last good answer and the refusal. */
function isCut(operations: readonly Operation[], kills: readonly number[]): boolean {
  const refusal = firstEnd(operations.filter(({ outcome }) => outcome === 'refused'))
  const good = operations.filter(({ outcome, end }) => outcome === 'ok' && end < refusal)
  const lastGood = Math.max(...good.map(({ start }) => start))
  return kills.some(at => at > lastGood && at < refusal)
}

function touches(kill: Fault, renewal: { start: number; end: number }): boolean {
  return renewal.start <= kill.end && renewal.start >= kill.start - UNDER_WAY_MS
}

function firstEnd(operations: readonly Operation[]): number {
  return operations.reduce((least, { end }) => Math.min(least, end), Number.POSITIVE_INFINITY)
}

function byStart(a: { start: number }, b: { start: number }): number {
  return a.start - b.start
}

function groupBy<T>(entries: readonly T[], name: (entry: T) => string): Map<string, T[]> {
  return Map.groupBy(entries, name)
}
