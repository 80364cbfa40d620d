// Where the log goes: standard output. Lines wait for their neighbours, because a write for each costs
// more than all else that is done for a request; nothing waits longer than a moment, and whoever does
// not read the log stops nobody.

import { pino } from 'pino'

export interface LogOutput {
  write(line: string): void
  /** Writes what is waiting; done by itself when the process exits. */
  flushSync(): void
}

const BATCH_LENGTH = 32 * 1024
const PATIENCE_MS = 250
/** Lines beyond this are dropped, oldest kept: the reader of the log is gone or stuck. */
const MAX_WAITING_BYTES = 16 * 1024 * 1024

/** Opens standard output for log lines. */
export function openLogOutput(): LogOutput {
  const output = pino.destination({ dest: 1, sync: false, maxLength: MAX_WAITING_BYTES })
  let waiting = ''
  setInterval(handOver, PATIENCE_MS).unref()
  process.once('exit', flushSync)

  return {
    write(line) {
      waiting += line
      if (waiting.length > BATCH_LENGTH) handOver()
    },
    flushSync,
  }

  function flushSync(): void {
    handOver()
    output.flushSync()
  }

  function handOver(): void {
    if (waiting === '') return
    output.write(waiting)
    waiting = ''
  }
}
