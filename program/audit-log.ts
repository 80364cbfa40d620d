// What the log tells of the audit sink: its ends, its faults, and how delivery goes; each once, not with each event.

import type { Logger } from 'pino'
import type { Head } from '../src/audit/chain.ts'
import type { Refused } from '../src/audit/refused-events.ts'
import { describeError } from '../src/error-description.ts'

export type AuditLogger = Pick<Logger, 'info' | 'warn' | 'error'>

const HOUR_MS = 3_600_000
const MINUTE_MS = 60_000

/** Tells where a chain ends, now, each hour, and when the function that it gives is called. */
export function tellEnds(
  logger: AuditLogger,
  file: string,
  sink: { readonly head: Head; cut: number },
): () => void {
  const tell = () => {
    const { count, hash } = sink.head
    logger.info({ file, end: `${count}:${hash}` }, 'end of the audit file')
  }
  if (sink.cut > 0) logger.warn({ file, bytes: sink.cut }, 'a torn end of the audit file was cut')
  tell()
  const timer = setInterval(tell, HOUR_MS).unref()
  return () => {
    clearInterval(timer)
    tell()
  }
}

/** Tells a fault of the file; one of the same kind once a minute at most. */
export function createFaultLog(logger: AuditLogger): (error: unknown) => void {
  let told = ''
  let toldAt = Number.NEGATIVE_INFINITY
  return error => {
    const { name, code = name } = describeError(error)
    const now = performance.now()
    if (code === told && now - toldAt < MINUTE_MS) return
    told = code
    toldAt = now
    logger.error({ err: error }, 'the audit file has a fault')
  }
}

/** Tells when delivery begins to fail and when it goes on, and which events the server will not have. */
export function createDeliveryLog(logger: AuditLogger) {
  let failures = 0
  return {
    noteTaken(): void {
      if (failures > 0) logger.warn({ failures }, 'audit events are delivered again')
      failures = 0
    },
    noteFault(error: unknown): void {
      if (failures++ === 0) logger.error({ err: error }, 'audit events are not delivered')
    },
    noteRefused(path: string, refused: readonly Refused[]): void {
      const statuses = [...new Set(refused.map(({ status }) => status))]
      logger.error(
        { events: refused.length, statuses, file: `${path}.refused` },
        'audit events were refused by the server, and put aside',
      )
    },
  }
}
