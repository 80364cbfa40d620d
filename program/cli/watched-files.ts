// Files that may be replaced while the service runs: secrets of an agent, certificates that are renewed, links
// that are moved to another folder. Looked at every few seconds, because what tells of changes loses sight of a
// file that is replaced.

import { stat } from 'node:fs/promises'
import { describeError } from '../../src/error-description.ts'

const LOOK_MS = 2_000

/**
 * Calls back when one of the files has become another, and has stayed so from one look to the next; a
 * reload may name others. The returned function ends it.
 */
export function watchFiles(
  list: () => readonly string[],
  onChange: () => Promise<unknown>,
): () => void {
  let known: string | undefined
  let pending: string | undefined
  let isLooking = false
  const timer = setInterval(() => {
    if (isLooking) return
    isLooking = true
    void look().finally(() => {
      isLooking = false
    })
  }, LOOK_MS).unref()
  return () => clearInterval(timer)

  async function look(): Promise<void> {
    const seen = (await Promise.all(list().map(describe))).join(' ')
    known ??= seen
    if (seen === known) pending = undefined
    else if (seen !== pending) pending = seen
    else {
      pending = undefined
      await onChange()
      known = (await Promise.all(list().map(describe))).join(' ')
    }
  }
}

async function describe(path: string): Promise<string> {
  try {
    const { ino, mtimeMs, size, mode } = await stat(path)
    return `${path} ${ino} ${mtimeMs} ${size} ${mode}`
  } catch (error) {
    return `${path} ${describeError(error).code}`
  }
}
