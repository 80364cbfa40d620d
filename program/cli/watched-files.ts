// Files that may be replaced while the service runs: secrets of an agent, certificates that are renewed, links
// that are moved to another folder. Looked at every few seconds, because what tells of changes loses sight of a
// file that is replaced.

import { stat } from 'node:fs/promises'
import { describeError } from '../../src/error-description.ts'

const LOOK_MS = 2_000

/**
 * Calls back with those of the files that have become others, once they have stayed so from one look to the
 * next; a reload may name others. The returned function ends it.
 */
export function watchFiles(
  list: () => readonly string[],
  onChange: (changed: readonly string[]) => Promise<unknown>,
): () => void {
  let known = lookAt(list())
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
    const before = await known
    const found = await lookAt(list())
    const seen = print(found)
    if (seen === print(before)) pending = undefined
    else if (seen !== pending) pending = seen
    else {
      pending = undefined
      await onChange([...found].flatMap(([path, how]) => (before.get(path) === how ? [] : path)))
      // What changed while it was read is a change of its own.
      known = lookAt(list(), found)
      await known
    }
  }
}

type Looks = ReadonlyMap<string, string>

/** How the files are now; of those that were looked at before, how they were then. */
async function lookAt(paths: readonly string[], before?: Looks): Promise<Looks> {
  const looks = paths.map(
    async path => [path, before?.get(path) ?? (await describe(path))] as const,
  )
  return new Map(await Promise.all(looks))
}

function print(looks: Looks): string {
  return [...looks.values()].join(' ')
}

async function describe(path: string): Promise<string> {
  try {
    const { ino, mtimeMs, size, mode } = await stat(path)
    return `${path} ${ino} ${mtimeMs} ${size} ${mode}`
  } catch (error) {
    return `${path} ${describeError(error).code}`
  }
}
