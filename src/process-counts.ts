// What a process counts besides its requests, whatever apps it has had: reloads, faults that no request
// answers for, lines of the log that were dropped. The clock and the counts of others are passed in.

import { Counter, Gauge, Registry } from '@prometheus-io/client'
import { createOutsideCounters } from './instruments.ts'
import { type Measured, readMeasured } from './measured.ts'
import { processMetrics } from './measures.ts'

/** What has been counted since the start, outside of requests. */
export interface OutsideCounts {
  exception: number
  rejection: number
  droppedLogLines: number
}

export interface ProcessCounts {
  noteReload(hasSucceeded: boolean): void
  measure(): Promise<Measured[]>
}

export interface ProcessCountsOptions {
  /** Asked whenever the metrics are. */
  countOutside?: () => OutsideCounts
  /** Another process does the reloads, and says since when the configuration is in force. */
  isLed?: boolean
  /** Milliseconds since the epoch. */
  now?: () => number
}

/** A process whose configuration has just come into force. */
export function createProcessCounts({
  countOutside,
  isLed = false,
  now = Date.now,
}: ProcessCountsOptions): ProcessCounts {
  const registry = new Registry()
  const registers = [registry]
  const {
    fhirstorm_reloads_total: total,
    fhirstorm_last_reload_successful: successful,
    fhirstorm_last_reload_success_timestamp_seconds: lastSuccess,
  } = processMetrics
  const reloads = new Counter<'outcome'>({
    ...{ name: 'fhirstorm_reloads_total', help: total.help },
    ...{ labelNames: [...total.labels], registers },
  })
  const isSuccessful = new Gauge({
    ...{ name: 'fhirstorm_last_reload_successful', help: successful.help },
    ...{ registers, aggregator: 'min' as const },
  })
  const succeededAt = new Gauge({
    ...{ name: 'fhirstorm_last_reload_success_timestamp_seconds', help: lastSuccess.help },
    ...{ registers, aggregator: 'max' as const },
  })
  for (const outcome of ['done', 'refused']) reloads.inc({ outcome }, 0)
  note(true)
  const count = createOutsideCounters(registry)

  return {
    noteReload(hasSucceeded) {
      reloads.inc({ outcome: hasSucceeded ? 'done' : 'refused' })
      note(hasSucceeded)
    },
    async measure() {
      if (countOutside) count(countOutside())
      return await readMeasured(registry)
    },
  }

  function note(hasSucceeded: boolean): void {
    isSuccessful.set(hasSucceeded ? 1 : 0)
    if (hasSucceeded && !isLed) succeededAt.set(now() / 1000)
  }
}
