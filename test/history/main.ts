// Makes a history over real processes and judges it: `npm run history -- --seconds 3600 --store sentinel
// --seed 1`. A violation is printed with the shortest history that shows it, and is exit status 1.

import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { createRandom } from '../faults/random.ts'
import { checkHistory, type Violation } from './check.ts'
import { runClients } from './clients.ts'
import { type Entry, type History, isOperation, printHistory } from './history.ts'
import { runNemesis } from './nemesis.ts'
import { findShortest } from './shortest.ts'
import { type StoreKind, storeKinds } from './stores.ts'
import { startWorld } from './world.ts'

export interface RunOptions {
  store: StoreKind
  seconds: number
  seed: number
  processes?: number
  clients?: number
  /** Goes on until so many ends were acknowledged, however slow the machine. */
  leastEnds?: number
}

export interface RunReport {
  store: StoreKind
  seconds: number
  seed: number
  operations: Record<string, number>
  faults: Record<string, number>
  renewals: number
  /** Of acknowledged ends, in milliseconds. */
  ends: { count: number; p50: number; p99: number; most: number }
  excused: number
  violations: Violation[]
}

/** Runs the clients and the nemesis for so long, and judges what came of it. */
export async function makeHistory(
  options: RunOptions,
): Promise<{ report: RunReport; history: History }> {
  const { store, seconds, seed, processes = 4, clients = 16, leastEnds = 0 } = options
  const history: Entry[] = []
  let ends = 0
  const record = (entry: Entry) => {
    history.push(entry)
    if (entry.kind === 'end' && entry.outcome === 'ok') ends++
  }
  const world = await startWorld(store, processes, record)
  try {
    const over = performance.now() + seconds * 1000
    const isOver = () => performance.now() >= over && ends >= leastEnds
    await Promise.all([
      runClients({ world, count: clients, random: createRandom(seed), record }, isOver),
      runNemesis(world, createRandom(seed + 1), record, isOver),
    ])
  } finally {
    await world.close()
  }
  return { report: describe(options, history), history }
}

function describe({ store, seconds, seed }: RunOptions, history: History): RunReport {
  const operations = history.filter(isOperation)
  const acknowledged = operations
    .filter(({ kind, outcome }) => kind === 'end' && outcome === 'ok')
    .map(({ start, end }) => end - start)
    .sort((a, b) => a - b)
  const at = (share: number) =>
    Math.round(acknowledged[Math.floor(share * (acknowledged.length - 1))] ?? 0)
  return {
    ...{ store, seconds, seed },
    operations: count(operations.map(({ kind, outcome }) => `${kind} ${outcome}`)),
    faults: count(history.flatMap(each => (each.kind === 'fault' ? [each.fault] : []))),
    renewals: history.filter(({ kind }) => kind === 'renewal').length,
    ends: { count: acknowledged.length, p50: at(0.5), p99: at(0.99), most: at(1) },
    ...checkHistory(history),
  }
}

function count(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const name of names.toSorted()) counts[name] = (counts[name] ?? 0) + 1
  return counts
}

/** What a violation is, and the shortest history that shows it. */
export function explain(history: History, violation: Violation): string {
  return `${violation.rule} (${violation.about})\n${printHistory(findShortest(history, violation))}`
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      seconds: { type: 'string', default: '60' },
      seed: { type: 'string', default: '1' },
      store: { type: 'string', default: 'redis' },
      report: { type: 'string' },
      history: { type: 'string' },
    },
  })
  const store = storeKinds.find(kind => kind === values.store)
  if (!store) throw new Error(`--store is one of ${storeKinds.join(', ')}`)
  const { report, history } = await makeHistory({
    ...{ store, seconds: Number(values.seconds), seed: Number(values.seed) },
  })
  const text = `${JSON.stringify(report, null, 2)}\n`
  process.stdout.write(text)
  for (const violation of report.violations) console.log(`\n${explain(history, violation)}`)
  if (values.report) writeFileSync(values.report, text)
  if (values.history) writeFileSync(values.history, `${printHistory(history)}\n`)
  process.exitCode = report.violations.length > 0 ? 1 : 0
}
