// The file under the vault: ours alone, or the start is refused. A symbolic link, another owner, a mode
// or a folder that lets others in: each is a VaultRefusal, and nothing is changed (attacks V6).

import { closeSync, constants, fchmodSync, fstatSync, openSync, statSync } from 'node:fs'
import { userInfo } from 'node:os'
import { dirname } from 'node:path'
import { makeFolder } from '../make-folder.ts'
import { VaultRefusal } from './refusal.ts'

const ROOT = 0

/** Creates the file (0600, its folder 0700) or proves that the one there is ours alone. */
export function prepareFile(path: string): void {
  try {
    const folder = dirname(path)
    makeFolder(folder)
    checkFolder(folder)
    const flags = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW
    const file = openSync(path, flags, 0o600)
    try {
      checkFile(file, path)
    } finally {
      closeSync(file)
    }
  } catch (error) {
    if (error instanceof VaultRefusal) throw error
    const { code } = error as { code?: unknown }
    const why = code === 'ELOOP' ? 'is a symbolic link' : `cannot be opened (${String(code)})`
    throw new VaultRefusal(`the vault ${path} ${why}`)
  }
}

/**
 * Refuses a folder in which somebody else could put another file in the place of ours, with a VaultRefusal;
 * throws the system's error where there is none.
 */
export function checkFolder(folder: string): void {
  const { uid, mode } = statSync(folder)
  if (uid !== currentUser() && uid !== ROOT) {
    throw new VaultRefusal(`the vault's folder ${folder} belongs to another user`)
  }
  if ((mode & 0o002) !== 0) {
    throw new VaultRefusal(`the vault's folder ${folder} can be written by anybody; chmod 700`)
  }
}

function checkFile(file: number, path: string): void {
  const stats = fstatSync(file)
  if (!stats.isFile()) throw new VaultRefusal(`the vault ${path} is not a file`)
  if (stats.uid !== currentUser()) {
    throw new VaultRefusal(`the vault ${path} belongs to another user`)
  }
  if (stats.size === 0) fchmodSync(file, 0o600)
  else if ((stats.mode & 0o077) !== 0) {
    throw new VaultRefusal(`the vault ${path} can be read by others; chmod 600`)
  }
}

function currentUser(): number {
  try {
    return userInfo().uid
  } catch {
    // No name for this user, as in a container that is given a number of its own.
    return statSync('/proc/self').uid
  }
}
