// Memory and handles of a process over a long run, as the kernel tells them.

import { readdirSync, readFileSync } from 'node:fs'

export interface Reading {
  rssMiB: number
  handles: number
}

/** What a process holds now (Linux alone). */
export function readGauges(pid: number): Reading {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const [, kilobytes] = /^VmRSS:\s+(\d+) kB/m.exec(status) ?? []
  const handles = readdirSync(`/proc/${pid}/fd`).length
  return { rssMiB: Math.round(Number(kilobytes) / 1024), handles }
}

/** The middle of the second fifth of a run's readings, after it is warm, and of the last. */
export function compareGauges(readings: readonly Reading[]): { early: Reading; late: Reading } {
  const fifth = Math.max(1, Math.floor(readings.length / 5))
  return {
    early: middleOf(readings.slice(fifth, 2 * fifth)),
    late: middleOf(readings.slice(-fifth)),
  }
}

function middleOf(readings: readonly Reading[]): Reading {
  const middle = (values: number[]) =>
    values.sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0
  return {
    rssMiB: middle(readings.map(({ rssMiB }) => rssMiB)),
    handles: middle(readings.map(({ handles }) => handles)),
  }
}
