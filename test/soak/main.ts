// Ten minutes of everything at once: `npm run soak -- --minutes 10 --seed 1`. Exit status 1 when a request
// failed that nothing excuses, a session was lost, a patient was taken for another, an audit line does not
// verify, or memory or handles grew.

import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { verifyChains } from '../../src/audit/verify.ts'
import { createRandom } from '../faults/random.ts'
import { compareGauges, type Reading, readGauges } from './gauges.ts'
import { runNemesis } from './nemesis.ts'
import { acts, type Done, faults, isExcused, isFine, type Made } from './record.ts'
import { runUsers, type Sessions } from './users.ts'
import { startWorld } from './world.ts'

export interface SoakOptions {
  seed: number
  users: number
  /** Of a quiet time between two faults, in milliseconds. */
  quietMs: number
  /** Told the faults that were made so far. */
  isOver: (made: number) => boolean
  /** Hears a line about every ten seconds. */
  tell?: (line: string) => void
}

export interface SoakReport {
  seconds: number
  seed: number
  /** Of each act: done, failed with an excuse. */
  acts: Record<string, { done: number; excused: number }>
  faults: Record<string, number>
  sessions: Sessions
  /** Failures that nothing excuses. */
  failed: string[]
  /** Its lines, and the acts that were acknowledged and so have one at least. */
  audit: { lines: number; acknowledged: number; faults: string[] }
  gauges: { early: Reading; late: Reading }
}

/** Acts of which the audit has an event each. */
const RECORDED: ReadonlySet<string> = new Set(['login', 'read', 'search', 'write', 'logout'])
const LOOK_MS = 1_000
const TELL_LOOKS = 10

/** Runs users and faults until it is over, lets the last ones end, and judges what came of it. */
export async function soak(options: SoakOptions): Promise<SoakReport> {
  const { seed, users, quietMs, tell = () => undefined } = options
  const done: Done[] = []
  const made: Made[] = []
  const readings: Reading[] = []
  const world = await startWorld()
  const began = performance.now()
  const isOver = () => options.isOver(made.length)
  const look = setInterval(() => {
    readings.push(readGauges(world.brokers[0]?.pid() ?? 0))
    if (readings.length % TELL_LOOKS > 0) return
    const failed = done.filter(one => !isFine(one) && !isExcused(one, made)).length
    const { rssMiB, handles } = readings.at(-1) as Reading
    tell(
      `${readings.length} s: ${done.length} acts, ${made.length} faults, ${failed} failed, ${rssMiB} MiB, ${handles} handles`,
    )
  }, LOOK_MS)
  try {
    const [sessions] = await Promise.all([
      runUsers(
        { world, count: users, random: createRandom(seed), note: one => void done.push(one) },
        isOver,
      ),
      runNemesis(
        { world, quietMs, random: createRandom(seed + 1), note: one => void made.push(one) },
        isOver,
      ),
    ])
    const seconds = Math.round((performance.now() - began) / 1_000)
    clearInterval(look)
    for (const broker of world.brokers) await broker.stop()
    const acknowledged = done.filter(one => RECORDED.has(one.act) && isFine(one)).length
    const audit = { ...(await verifyAudit([0, 1].map(world.auditFile))), acknowledged }
    return {
      ...{ seconds, seed, sessions, audit, gauges: compareGauges(readings) },
      acts: countActs(done, made),
      faults: Object.fromEntries(
        faults.map(name => [name, made.filter(({ fault }) => fault === name).length]),
      ),
      failed: done.filter(one => !isFine(one) && !isExcused(one, made)).map(describe),
    }
  } finally {
    clearInterval(look)
    await world.close()
  }
}

async function verifyAudit(paths: readonly string[]) {
  const audit = { lines: 0, faults: [] as string[] }
  for (const path of paths) {
    for (const { file, to, fault } of await verifyChains(path)) {
      if (fault) audit.faults.push(`${file}:${fault.line} ${fault.reason}`)
      else audit.lines += to
    }
  }
  return audit
}

function countActs(done: readonly Done[], made: readonly Made[]): SoakReport['acts'] {
  return Object.fromEntries(
    acts.map(name => {
      const all = done.filter(({ act }) => act === name)
      const excused = all.filter(one => !isFine(one) && isExcused(one, made)).length
      return [name, { done: all.length, excused }]
    }),
  )
}

function describe({ act, status, code, start, end }: Done): string {
  return `${act} ${status} ${code} from ${Math.round(start)} to ${Math.round(end)}`
}

/** What a run must not have, in words; none is a good run. */
export function findFaults({ failed, sessions, audit, gauges }: SoakReport): string[] {
  const { early, late } = gauges
  return [
    ...failed,
    ...audit.faults,
    ...(audit.lines < audit.acknowledged ? ['acknowledged acts without an audit line'] : []),
    ...(sessions.lost > 0 ? [`${sessions.lost} sessions lost`] : []),
    ...(sessions.mixed > 0 ? [`${sessions.mixed} answers about another patient`] : []),
    ...(late.handles > early.handles + 50 ? [`handles grew to ${late.handles}`] : []),
    ...(late.rssMiB > early.rssMiB * 1.5 + 50 ? [`memory grew to ${late.rssMiB} MiB`] : []),
  ]
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      minutes: { type: 'string', default: '10' },
      seed: { type: 'string', default: '1' },
      users: { type: 'string', default: '12' },
      report: { type: 'string' },
    },
  })
  const over = performance.now() + Number(values.minutes) * 60_000
  const report = await soak({
    ...{ seed: Number(values.seed), users: Number(values.users), quietMs: 2_000 },
    isOver: () => performance.now() > over,
    tell: line => console.log(line),
  })
  const text = `${JSON.stringify(report, null, 2)}\n`
  process.stdout.write(text)
  if (values.report) writeFileSync(values.report, text)
  const found = findFaults(report)
  for (const line of found) console.log(line)
  process.exitCode = found.length > 0 ? 1 : 0
}
