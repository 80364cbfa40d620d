// What an operator changes while the service runs, of all its processes: how much the log tells, and whether new
// logins are taken.

import type { Logger } from 'pino'
import { createDrain, type DrainState } from '../src/drain.ts'
import type { AdminListenerOptions } from './admin.ts'

/** What was changed so far; what is missing is as the configuration has it. */
export interface Operated {
  level?: string
  drain?: DrainState
}

export interface OperationOptions {
  logger: Pick<Logger, 'level'>
  /** What was changed before this process began. */
  before?: Operated
  /** Carries a change to every process, this one included; here alone unless told. */
  spread?: (change: Operated) => Promise<void>
}

export interface Operation extends Required<Pick<AdminListenerOptions, 'verbosity' | 'drain'>> {
  /** Puts a change into force in this process. */
  take(change: Operated): void
}

/** As it was changed before. */
export function createOperation({ logger, before = {}, spread }: OperationOptions): Operation {
  const drain = createDrain()
  take(before)
  const tell = spread ?? (async (change: Operated) => take(change))

  return {
    take,
    verbosity: { read: () => logger.level, set: level => tell({ level }) },
    drain: {
      read: drain.read,
      begin: staysReady => share(drain.begin(staysReady)),
      end: () => share(drain.end()),
    },
  }

  function take({ level, drain: state }: Operated): void {
    if (level !== undefined) logger.level = level
    if (state !== undefined) drain.take(state)
  }

  async function share(state: DrainState): Promise<DrainState> {
    await tell({ drain: state })
    return state
  }
}
