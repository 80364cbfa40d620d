// Faults that no request answers for: exceptions in a callback of Node's own, promises that nobody waits
// for. Each is logged with its place and counted. What a peer, a disk or a name server did leaves the
// program as it was, and so does a promise that failed: the process goes on. An exception of the program
// itself may have broken off in the middle of something, and in the middle of something two patients
// may meet: the process drains and ends (attacks PS2).

import type { FastifyBaseLogger } from 'fastify'
import { BrokerError } from '../../src/errors.ts'
import { locateFault } from '../../src/fault-site.ts'

export type FaultKind = 'exception' | 'rejection'

export interface FaultOptions {
  logger: FastifyBaseLogger
  /** Ends the process in order, with a status that is not 0. */
  end: () => void
}

/** Faults so far. */
export type FaultCounts = Record<FaultKind, number>

/** From now on hears of every such fault of this process. */
export function watchFaults({ logger, end }: FaultOptions): Readonly<FaultCounts> {
  const counts: FaultCounts = { exception: 0, rejection: 0 }
  process.on('uncaughtException', error => hear('exception', error))
  process.on('unhandledRejection', error => hear('rejection', error))
  return counts

  function hear(kind: FaultKind, error: unknown): void {
    counts[kind]++
    const ends = endsProcess(kind, error)
    logger.error({ err: error, kind, at: locateFault(error), ends }, 'fault outside any request')
    if (ends) end()
  }
}

const OUTER_CODE =
  /^(?:E[A-Z0-9]+|EAI_\w+|HPE_\w+|UND_ERR_\w+|ERR_(?:SSL|TLS|STREAM)_\w+|ABORT_ERR)$/

/** Whether the process must end after a fault. Pure. */
export function endsProcess(kind: FaultKind, error: unknown): boolean {
  if (kind === 'rejection' || error instanceof BrokerError) return false
  if (!(error instanceof Error) || error instanceof TypeError || error instanceof RangeError) {
    return true
  }
  const { code } = error as { code?: unknown }
  return typeof code !== 'string' || !OUTER_CODE.test(code)
}
