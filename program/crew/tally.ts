// What all workers have measured together. One that is gone has left its counts: a sum never falls because somebody
// died, else whoever reads it would take that for a new beginning.

import { Counter, Gauge, Registry } from '@prometheus-io/client'
import {
  keepCounts,
  type Measured,
  printMeasured,
  readMeasured,
  sumMeasured,
} from '../../src/measured.ts'
import { crewMetrics } from '../../src/measures.ts'
import type { ProcessCounts } from '../../src/process-counts.ts'
import { measureProcess } from '../../src/process-metrics.ts'
import type { Member } from './member.ts'

export interface TallyOptions {
  /** All that have not ended. */
  members: ReadonlySet<Member>
  /** What the primary itself counts. */
  counts: Pick<ProcessCounts, 'measure'>
}

export interface Tally {
  /** Another worker takes the place of one that died, or that was told to leave. */
  countRestart(reason: 'died' | 'rolled'): void
  /** A worker is gone; to be told in the moment in which it is taken off the members. */
  keep(member: Member): void
  text(): Promise<string>
}

const PATIENCE_MS = 5_000

/** Nothing is counted yet. */
export function createTally({ members, counts }: TallyOptions): Tally {
  const registry = new Registry()
  const registers = [registry]
  const { fhirstorm_workers: workers, fhirstorm_worker_restarts_total: restarted } = crewMetrics
  const restarts = new Counter<'reason'>({
    ...{ name: 'fhirstorm_worker_restarts_total', help: restarted.help },
    ...{ labelNames: [...restarted.labels], registers },
  })
  for (const reason of ['died', 'rolled']) restarts.inc({ reason }, 0)
  new Gauge({
    ...{ name: 'fhirstorm_workers', help: workers.help, registers },
    collect() {
      this.set([...members].filter(({ state }) => state === 'ready').length)
    },
  })
  let past: Measured[] = []

  return {
    countRestart: reason => restarts.inc({ reason }),
    keep({ counted }) {
      past = keepCounts(sumMeasured([past, counted]))
    },
    async text() {
      // Whoever goes meanwhile is counted once: as one of these, and not of the past.
      const before = past
      const lists = await Promise.all([...members].map(ask))
      const own = [...(await readMeasured(registry)), ...(await measureProcess())]
      return await printMeasured(sumMeasured([before, ...lists, own, await counts.measure()]))
    },
  }

  async function ask(member: Member): Promise<readonly Measured[]> {
    if (member.state !== 'starting') {
      const known = member.counted
      const measured = await member.talk.ask('measure', undefined, PATIENCE_MS).catch(() => known)
      // What it says at its farewell is later than what it answered before.
      if (member.counted === known) member.counted = measured
    }
    return member.counted
  }
}
