// The results as Markdown: a table for each kind of work, and the ratios that the product promises.

import { medianOf, medianSampleOf, type Sample } from './measure.ts'
import type { Work } from './targets.ts'

export interface Results {
  date: string
  machine: string
  node: string
  rounds: number
  /** Names of what was not installed, with what brings it. */
  missing: Record<string, string>
  /** By work and target, a sample for each round. */
  work: Partial<Record<Work, Record<string, Sample[]>>>
  /** p50 of one connection, in milliseconds. */
  single: Record<string, number>
  memory?: { slowMiB: number; stoppedMiB: number }
  /** CPU of one read by number of sessions in the vault. */
  sessions?: Record<number, number>
}

interface Promise {
  work: Work
  target: string
  against: string
  must: number
  aim: number
}

const sqlite = 'fhirstorm, SQLite'
const redis = 'fhirstorm, Redis'
const nginx = 'nginx (limit)'

const promises: readonly Promise[] = [
  { work: '2 KB', target: sqlite, against: nginx, must: 5.5, aim: 4.5 },
  { work: '2 KB', target: sqlite, against: 'mod_auth_openidc, shm', must: 0.6, aim: 0.5 },
  { work: '2 KB', target: sqlite, against: '@fastify/http-proxy', must: 0.85, aim: 0.7 },
  { work: '2 KB', target: sqlite, against: 'express-openid-connect', must: 0.14, aim: 0.12 },
  { work: '2 KB', target: redis, against: nginx, must: 6, aim: 5 },
  { work: '2 KB', target: redis, against: 'mod_auth_openidc, Redis', must: 0.25, aim: 0.2 },
  { work: '2 KB', target: redis, against: '@fastify/http-proxy', must: 0.95, aim: 0.8 },
  { work: '2 KB', target: redis, against: 'express-openid-connect', must: 0.15, aim: 0.13 },
  { work: '60 KB', target: sqlite, against: nginx, must: 6, aim: 5 },
  { work: '60 KB', target: sqlite, against: 'mod_auth_openidc, shm', must: 0.85, aim: 0.7 },
  { work: '60 KB', target: sqlite, against: '@fastify/http-proxy', must: 0.85, aim: 0.7 },
  { work: '60 KB', target: sqlite, against: 'express-openid-connect', must: 0.26, aim: 0.22 },
  { work: '60 KB rewritten', target: sqlite, against: nginx, must: 10, aim: 7 },
  { work: '60 KB rewritten', target: sqlite, against: '@fastify/http-proxy', must: 1.35, aim: 1 },
  { work: '5 MB', target: sqlite, against: nginx, must: 3.3, aim: 2.5 },
  { work: '5 MB', target: sqlite, against: 'mod_auth_openidc, shm', must: 1.5, aim: 1.1 },
  { work: '5 MB', target: sqlite, against: '@fastify/http-proxy', must: 1.1, aim: 0.9 },
  { work: '5 MB', target: sqlite, against: 'express-openid-connect', must: 1, aim: 0.8 },
]

export interface Ratio extends Promise {
  /** CPU per request of the target over that of the other in the same round; the median of rounds. */
  ratio: number
}

/** The promised ratios that this run can tell of. */
export function computeRatios({ work }: Results): Ratio[] {
  return promises.flatMap(promise => {
    const own = work[promise.work]?.[promise.target]
    // Nobody else rewrites: they are compared with what they do to the same document.
    const others = work[promise.work === '60 KB rewritten' ? '60 KB' : promise.work]
    const other = others?.[promise.against]
    if (!own || !other) return []
    return [{ ...promise, ratio: compare(own, other, ({ cpuMicros }) => cpuMicros) }]
  })
}

function compare(own: Sample[], other: Sample[], pick: (sample: Sample) => number): number {
  return medianOf(own.map((sample, round) => pick(sample) / pick(other[round] as Sample)))
}

/** Everything as Markdown. */
export function printReport(results: Results): string {
  const { work, single, memory, sessions, missing } = results
  const lines = [
    `${results.machine}, ${results.date.slice(0, 10)}, ${results.node}; medians of ${results.rounds} interleaved rounds; ratios are taken round by round.`,
    ...Object.entries(missing).map(([name, what]) => `Not installed: ${name} (${what}).`),
    '',
  ]
  for (const [name, samples] of Object.entries(work)) {
    const limits = work[name === '60 KB rewritten' ? '60 KB' : (name as Work)]?.[nginx]
    const limit = limits && medianSampleOf(limits).cpuMicros
    lines.push(
      `### ${name}`,
      '',
      ...table(['', 'CPU µs', '× nginx', 'req/s', 'p50 ms', 'p99 ms', 'RSS MiB']),
    )
    for (const [target, rounds] of Object.entries(samples)) {
      const { cpuMicros, perSecond, p50, p99, rssMiB } = medianSampleOf(rounds)
      const share = limit ? (cpuMicros / limit).toFixed(1) : ''
      const figures = [
        cpuMicros.toFixed(1),
        share,
        perSecond.toFixed(0),
        p50.toFixed(2),
        p99.toFixed(1),
        rssMiB.toFixed(0),
      ]
      lines.push(`| ${target} | ${figures.join(' | ')} |`)
    }
    lines.push('')
  }
  lines.push(
    '### CPU per request, as ratios',
    '',
    ...table(['work', '', 'against', 'ratio', 'must', 'aim', '']),
  )
  for (const { work: name, target, against, ratio, must, aim } of computeRatios(results)) {
    const verdict = ratio <= aim ? 'aim' : ratio <= must ? 'must' : 'missed'
    lines.push(
      `| ${name} | ${target} | ${against} | ${ratio.toFixed(2)} | ${must} | ${aim} | ${verdict} |`,
    )
  }
  const own = work['2 KB']?.[sqlite]
  const bare = work['2 KB']?.['@fastify/http-proxy']
  if (own && bare) {
    const ratio = compare(own, bare, ({ p99 }) => p99)
    lines.push(
      '',
      `p99 at 64 connections, 2 KB: ${ratio.toFixed(2)} × @fastify/http-proxy (must 1.25).`,
    )
  }
  lines.push('', '### One connection, 2 KB', '', ...table(['', 'p50 ms']))
  for (const [target, p50] of Object.entries(single))
    lines.push(`| ${target} | ${p50.toFixed(3)} |`)
  if (memory) {
    lines.push(
      '',
      `Memory: +${memory.slowMiB.toFixed(0)} MiB while a gigabyte goes to a reader at 1 MB/s, +${memory.stoppedMiB.toFixed(0)} MiB to one that stops.`,
    )
  }
  if (sessions) {
    const figures = Object.entries(sessions).map(
      ([count, micros]) => `${count}: ${micros.toFixed(1)} µs`,
    )
    lines.push('', `CPU of one 2 KB read by sessions in the vault: ${figures.join(', ')}.`)
  }
  return `${lines.join('\n')}\n`
}

function table(columns: string[]): string[] {
  return [`| ${columns.join(' | ')} |`, `|${columns.map(() => ' --- |').join('')}`]
}
