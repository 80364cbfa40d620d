// Files that may be replaced while the service runs: secrets of an agent, certificates that are renewed, links
// that are moved to another folder. Looked at every few seconds, because what tells of changes loses sight of a
// file that is replaced.

import { type Looks, lookAt } from './file-looks.ts'

const LOOK_MS = 2_000

/**
 * Calls back with those of the files that are no longer as they were read, once they have stayed so from one look
 * to the next; a reload may name others. The returned function ends it.
 */
export function watchFiles(
  readFiles: () => Looks,
  onChange: (changed: readonly string[]) => Promise<unknown>,
): () => void {
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
    const read = readFiles()
    const found = new Map(
      await Promise.all([...read.keys()].map(async path => [path, await lookAt(path)] as const)),
    )
    const seen = print(found)
    if (seen === print(read)) pending = undefined
    else if (seen !== pending) pending = seen
    else {
      pending = undefined
      await onChange([...found].flatMap(([path, how]) => (read.get(path) === how ? [] : path)))
    }
  }
}

function print(looks: Looks): string {
  return [...looks].join(' ')
}
