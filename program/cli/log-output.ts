// Where the log goes: standard output. Lines wait for their neighbours, because a write for each costs
// more than all else that is done for a request; nothing waits longer than a moment. A disk that is
// full, a reader that is gone and one that does not read cost lines, which are counted; they hold up no
// request, and no ending for more than a moment (attacks PS4, PS5).

import { write, writeSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import { createLineQueue, type Settle } from './line-queue.ts'
import { openUnblocked } from './unblocked.ts'

export interface LogOutput {
  write(line: string): void
  /** Writes a line, its end included, without waiting for neighbours; rejects where it is dropped. */
  append(line: string): Promise<void>
  /** Writes lines of others, whole ones. */
  pass(lines: Buffer): void
  /** Lines that could not be written so far. */
  readonly droppedLines: number
  /** Resolves when everything is written, or after a moment. */
  end(): Promise<void>
}

const BATCH_LENGTH = 32 * 1024
const PATIENCE_MS = 250
const FIRST_RETRY_MS = 5
/** What an ending waits for the log, in milliseconds. */
const MOMENT_MS = 500
const MAX_WAITING_BYTES = 16 * 1024 * 1024

/**
 * Opens standard output for log lines; what waits when the process exits is written then. `onRecovery`
 * is told how many lines were dropped, once lines can be written again.
 */
export function openLogOutput(onRecovery: (droppedLines: number) => void): LogOutput {
  const file = openUnblocked(1)
  const queue = createLineQueue(MAX_WAITING_BYTES)
  let collected = ''
  /** Who wants to know what becomes of the lines that are collected. */
  let asking: Settle[] = []
  let isWriting = false
  let isResting = false
  let retryMs = FIRST_RETRY_MS
  let toldLines = 0
  let endsAt: number | undefined
  setInterval(handOver, PATIENCE_MS).unref()
  process.once('exit', flush)

  return {
    write(line) {
      collected += line
      if (collected.length > BATCH_LENGTH) handOver()
    },
    append: line =>
      new Promise((done, fail) => {
        collected += line
        if (asking.length === 0) setImmediate(handOver)
        asking.push(isWritten => (isWritten ? done() : fail(new Error('the line was dropped'))))
      }),
    pass(lines) {
      collect()
      queue.add(lines)
      pump()
    },
    get droppedLines() {
      return queue.droppedLines
    },
    async end() {
      handOver()
      while (queue.head() !== undefined && isInTime()) await wait(FIRST_RETRY_MS)
    },
  }

  function handOver(): void {
    collect()
    pump()
  }

  function collect(): void {
    const settles = asking
    asking = []
    const settle: Settle | undefined =
      settles.length === 0
        ? undefined
        : areWritten => {
            for (const one of settles) one(areWritten)
          }
    if (collected !== '') queue.add(collected, settle)
    collected = ''
  }

  function pump(): void {
    const head = queue.head()
    if (head === undefined || isWriting || isResting) return
    isWriting = true
    write(file, head, (error, bytes) => {
      isWriting = false
      if (error === null) noteWritten(bytes)
      else noteFailed(error)
    })
  }

  function noteWritten(bytes: number): void {
    queue.advance(bytes)
    retryMs = FIRST_RETRY_MS
    const missing = queue.droppedLines - toldLines
    toldLines += missing
    if (missing > 0) onRecovery(missing)
    pump()
  }

  // A full disk is tried again with the next lines: somebody may have made room.
  function noteFailed({ code }: NodeJS.ErrnoException): void {
    if (code !== 'EAGAIN') {
      queue.drop()
      return
    }
    isResting = true
    setTimeout(() => {
      isResting = false
      pump()
    }, retryMs).unref()
    retryMs = Math.min(2 * retryMs, PATIENCE_MS)
  }

  // What is being written in this moment is written by its thread before the process is gone.
  function flush(): void {
    collect()
    for (let head = queue.head(); head !== undefined && !isWriting; head = queue.head()) {
      try {
        queue.advance(writeSync(file, head))
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EAGAIN' || !isInTime()) return
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, FIRST_RETRY_MS)
      }
    }
  }

  function isInTime(): boolean {
    const now = performance.now()
    endsAt ??= now + MOMENT_MS
    return now < endsAt
  }
}
