// Processes that tests start. Each ends with the process of its test, whatever became of the test: none
// keeps it alive, none outlives it, and no test waits for an ending without end.

import type { ChildProcess } from 'node:child_process'

const PATIENCE_MS = 60_000
const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const

const children = new Set<ChildProcess>()
process.once('exit', killAll)
for (const signal of SIGNALS) {
  process.once(signal, () => {
    killAll()
    process.kill(process.pid, signal)
  })
}

/** Makes a process that was just started this one's own. */
export function adopt<T extends ChildProcess>(child: T): T {
  children.add(child)
  child.once('exit', () => children.delete(child))
  child.unref()
  for (const stream of [child.stdout, child.stderr]) {
    if (stream && 'unref' in stream) (stream.unref as () => void)()
  }
  return child
}

/**
 * Waits until a process is gone, after a signal where one is given; its exit status, or null when a
 * signal ended it. One that does not end is killed, and that is an error.
 */
export async function end(child: ChildProcess, signal?: NodeJS.Signals): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode
  const { promise, resolve, reject } = Promise.withResolvers<number | null>()
  child.once('exit', resolve)
  child.ref()
  if (signal) child.kill(signal)
  const timer = setTimeout(() => {
    child.kill('SIGKILL')
    reject(new Error(`a process did not end (${signal ?? 'by itself'})`))
  }, PATIENCE_MS)
  try {
    return await promise
  } finally {
    clearTimeout(timer)
  }
}

function killAll(): void {
  for (const child of children) child.kill('SIGKILL')
}
