// A descriptor on which no write waits. A pipe, a terminal or a socket whose reader has stopped would
// hold a thread of the pool for ever, and with it the end of the process: Node joins its threads.

import { constants, fstatSync, openSync } from 'node:fs'
import { Socket } from 'node:net'
import { isatty } from 'node:tty'

/**
 * The same file as the given descriptor; where its writes would wait for a reader, they fail with
 * EAGAIN instead.
 */
export function openUnblocked(descriptor: number): number {
  const stats = fstatSync(descriptor)
  if (!stats.isFIFO() && !stats.isSocket() && !isatty(descriptor)) return descriptor
  return reopen(descriptor) ?? unblock(descriptor)
}

// A description of our own: other processes that write to the same pipe or terminal go on waiting.
function reopen(descriptor: number): number | undefined {
  try {
    const { O_WRONLY, O_NONBLOCK, O_NOCTTY } = constants
    return openSync(`/proc/self/fd/${descriptor}`, O_WRONLY | O_NONBLOCK | O_NOCTTY)
  } catch {
    return undefined
  }
}

// Sockets cannot be opened again, nor pipes whose reader is gone.
function unblock(descriptor: number): number {
  try {
    new Socket({ fd: descriptor, readable: false }).on('error', () => {}).unref()
  } catch {
    // A terminal where there is no /proc: it is written to as it is.
  }
  return descriptor
}
