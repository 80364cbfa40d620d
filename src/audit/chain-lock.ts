// One chain for one process: whoever begins takes the first chain that nobody else writes. The lock is one of
// SQLite's on a file beside the chain: the system gives it back however the process ends.

import { open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { makeFolder } from '../make-folder.ts'
import { chainPath, MOST_CHAINS } from './chain-files.ts'

const BUSY = 5

/** A chain that is ours until it is given back. */
export interface TakenChain {
  path: string
  release(): void
}

/** Takes the first chain that no process has; undefined where all are taken. */
export async function takeChain(path: string): Promise<TakenChain | undefined> {
  makeFolder(dirname(path))
  for (let number = 0; number < MOST_CHAINS; number++) {
    const taken = await tryChain(chainPath(path, number))
    if (taken) return taken
  }
  return undefined
}

/** Takes one chain, unless another process, or another part of this one, has it. */
export async function tryChain(path: string): Promise<TakenChain | undefined> {
  await prepareFile(`${path}.lock`)
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
async function prepareFile(path: string): Promise<void> {
  try {
    await (await open(path, 'wx', 0o600)).close()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
}
