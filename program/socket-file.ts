// A socket in the file system: what a process left behind when it was killed would keep the next one from
// listening there.

import { lstat, unlink } from 'node:fs/promises'
import { connect } from 'node:net'

/** For its own user and group. */
export const SOCKET_MODE = 0o660

/** Removes a socket on which nobody listens; one that answers, and whatever is no socket, stays. */
export async function removeStale(path: string): Promise<void> {
  if ((await findAtSocket(path)) === 'stale') await unlink(path)
}

/** What is where a socket is to be: nothing, one that is served or that somebody left behind, or something else. */
export async function findAtSocket(
  path: string,
): Promise<'served' | 'stale' | 'other' | undefined> {
  // A file refuses connections as a socket does on which nobody listens.
  const found = await lstat(path).catch(() => undefined)
  if (!found) return undefined
  if (!found.isSocket()) return 'other'
  const code = await new Promise<string | undefined>(resolve => {
    const asked = connect(path)
    asked.on('connect', () => {
      asked.destroy()
      resolve(undefined)
    })
    asked.on('error', error => resolve((error as NodeJS.ErrnoException).code))
  })
  return code === 'ECONNREFUSED' ? 'stale' : 'served'
}
