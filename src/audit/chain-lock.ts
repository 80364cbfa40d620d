// One chain for one process: whoever begins takes the first chain that nobody else writes. The lock is one of
// SQLite's on a file beside the chain: the system gives it back however the process ends.

import { closeSync, mkdirSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { chainPath, MOST_CHAINS } from './chain-files.ts'

const BUSY = 5

/** A chain that is ours until it is given back. */
export interface TakenChain {
  path: string
  release(): void
}

/** Takes the first chain that no process has; undefined where all are taken. */
export function takeChain(path: string): TakenChain | undefined {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  for (let number = 0; number < MOST_CHAINS; number++) {
    const taken = tryChain(chainPath(path, number))
    if (taken) return taken
  }
  return undefined
}

/** Takes one chain, unless another process, or another part of this one, has it. */
export function tryChain(path: string): TakenChain | undefined {
  prepareFile(`${path}.lock`)
  const lock = new DatabaseSync(`${path}.lock`, { timeout: 0 })
  try {
    lock.exec('BEGIN EXCLUSIVE')
  } catch (error) {
    lock.close()
    if ((error as { errcode?: number }).errcode === BUSY) return undefined
    throw error
  }
  return { path, release: () => void (lock.isOpen && lock.close()) }
}

// Never opened where it is there already: closing it would give back a lock that this process holds.
function prepareFile(path: string): void {
  try {
    closeSync(openSync(path, 'wx', 0o600))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
}
