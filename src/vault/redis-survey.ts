// What an operator should know of the Redis that holds the sessions (attacks V14), in fixed words.
// Pure: judges the configured address and the server's own INFO.

import type { VaultSize } from './vault.ts'

/** What clocks that are kept right never come to. */
const MAX_SKEW_SECONDS = 5

/** Warnings that follow from the address alone. */
export function judgeAddress(url: string): string[] {
  const { protocol, hostname, password } = new URL(url)
  const isHere = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname)
  if (isHere) return []
  const warnings = []
  if (protocol !== 'rediss:') warnings.push('Redis is reached without TLS: use rediss://')
  if (password === '') warnings.push('Redis is used without a password')
  return warnings
}

/** Warnings that follow from how far the server's clock is ahead of this machine's, in milliseconds. */
export function judgeClock(ahead: number): string[] {
  const seconds = Math.round(Math.abs(ahead) / 1000)
  if (seconds < MAX_SKEW_SECONDS) return []
  return [
    `the clock of Redis and this machine's are ${seconds} s apart: sessions go by that of Redis`,
  ]
}

/** Warnings that follow from what the server says of its memory and its disk. */
export function judgeServer(info: string): string[] {
  const warnings = []
  const policy = /^maxmemory_policy:(\S+)/m.exec(info)?.[1] ?? 'noeviction'
  if (policy !== 'noeviction') {
    warnings.push('Redis may evict sessions: set maxmemory-policy noeviction')
  }
  if (/^aof_enabled:0/m.test(info)) {
    warnings.push('Redis keeps no append-only file: a restart of it ends every session')
  }
  return warnings
}

/** How much the server holds in memory, whoever it is of, and its bound where it has one. */
export function readSize(info: string): VaultSize {
  const read = (line: RegExp) => Number(line.exec(info)?.[1] ?? 0)
  return {
    bytes: read(/^used_memory:(\d+)/m),
    maxBytes: read(/^maxmemory:(\d+)/m) || undefined,
  }
}
