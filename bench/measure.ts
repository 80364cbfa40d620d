// One measurement: load on a URL for some seconds, and what it cost the processes behind it.

import { request } from 'undici'
import { type Load, runLoad } from './load.ts'
import { cpuSeconds, residentMiB } from './processes.ts'

export interface Sample {
  /** CPU of the process tree per answered request, in microseconds. */
  cpuMicros: number
  perSecond: number
  /** Milliseconds. */
  p50: number
  p99: number
  rssMiB: number
}

/** Asks once, and refuses to measure anything but a 200 of the right size. */
export async function verifyTarget(
  { url, headers }: Pick<Load, 'url' | 'headers'>,
  length: number,
): Promise<void> {
  const { statusCode, body } = await request(url, { headers })
  const text = await body.text()
  if (statusCode !== 200 || Math.abs(text.length - length) > length) {
    throw new Error(
      `${url} answers ${statusCode} with ${text.length} characters: ${text.slice(0, 200)}`,
    )
  }
}

/** Measures for the seconds of the load, after a moment to fall into step. */
export async function measure(pid: number, load: Load): Promise<Sample> {
  await runLoad({ ...load, seconds: 0.3 })
  let rssMiB = 0
  const watch = setInterval(() => {
    rssMiB = Math.max(rssMiB, residentMiB(pid))
  }, 500)
  const before = cpuSeconds(pid)
  const { answers, seconds, p50, p99 } = await runLoad(load)
  const cpu = cpuSeconds(pid) - before
  clearInterval(watch)
  rssMiB = Math.max(rssMiB, residentMiB(pid))
  return { cpuMicros: (cpu / answers) * 1e6, perSecond: answers / seconds, p50, p99, rssMiB }
}

/** The figure in the middle. */
export function medianOf(figures: readonly number[]): number {
  const sorted = [...figures].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}

/** The sample in the middle, figure by figure. */
export function medianSampleOf(samples: readonly Sample[]): Sample {
  const middle = (pick: (sample: Sample) => number) => medianOf(samples.map(pick))
  return {
    cpuMicros: middle(sample => sample.cpuMicros),
    perSecond: middle(sample => sample.perSecond),
    p50: middle(sample => sample.p50),
    p99: middle(sample => sample.p99),
    rssMiB: Math.max(...samples.map(({ rssMiB }) => rssMiB)),
  }
}
