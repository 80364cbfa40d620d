// Making a folder with those above it. Node's own way to do so goes round for ever where a folder that is
// there will have no other in it, as below /proc.

import { mkdirSync, statSync } from 'node:fs'
import { dirname } from 'node:path'

/** Makes the folder and what is missing above it, for this user alone; throws the system's error. */
export function makeFolder(path: string): void {
  if (isFolder(path)) return
  const above = dirname(path)
  if (above !== path) makeFolder(above)
  try {
    mkdirSync(path, { mode: 0o700 })
  } catch (error) {
    // Another process may have been quicker.
    if (!isFolder(path)) throw error
  }
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false
}
