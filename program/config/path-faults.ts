// Two of what we make at one path: the one would write into the other, and a start would cut a vault as the torn
// end of an audit file. Pure: no I/O.

import { resolve } from 'node:path'
import type { SoundParts } from './sound-parts.ts'

type Fault = readonly [place: readonly PropertyKey[], message: string]

/** Each file or socket that is at the path of another one before it, or of what lies beside that. */
export function listPathFaults({ vault, audit, internal }: SoundParts, folder: string): Fault[] {
  const vaultPath = vault?.kind === 'sqlite' ? resolve(folder, vault.path) : undefined
  const auditPath = audit && 'path' in audit ? resolve(folder, audit.path) : undefined
  const socket = internal && 'socket' in internal ? resolve(folder, internal.socket) : undefined
  const faults: Fault[] = []
  if (
    vaultPath &&
    auditPath &&
    (isOfVault(auditPath, vaultPath) || isOfAudit(vaultPath, auditPath))
  ) {
    faults.push([['audit', 'path'], 'the vault is there'])
  }
  if (socket && vaultPath && isOfVault(socket, vaultPath)) {
    faults.push([['internal', 'socket'], 'the vault is there'])
  }
  if (socket && auditPath && isOfAudit(socket, auditPath)) {
    faults.push([['internal', 'socket'], 'the audit is there'])
  }
  return faults
}

function isOfVault(path: string, vault: string): boolean {
  return path === vault || ['-wal', '-shm', '-journal'].some(end => path === vault + end)
}

/** The file, another process's, one that was put aside, and what says how far they are. */
function isOfAudit(path: string, audit: string): boolean {
  const [, stem = audit, extension = ''] = /^(.*[^/])(\.[^./]+)$/.exec(audit) ?? []
  if (!path.startsWith(stem)) return false
  const rest = path.slice(stem.length)
  const [, number = ''] = /^(\.\d+)\./.exec(rest) ?? []
  const own = number + extension
  return (
    rest.startsWith(own) &&
    /^(?:\.\d+)?(?:\.(?:head|lock|sent|refused))?$/.test(rest.slice(own.length))
  )
}
