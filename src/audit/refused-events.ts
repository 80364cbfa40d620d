// Events that a server will not have, put aside in PATH.refused with the status of its answer, for people to look
// at: one JSON line each, on the disk before the queue goes on.

import { open } from 'node:fs/promises'
import { AuditFault } from './audit-fault.ts'
import { sizeOf, syncFolder } from './chain-files.ts'
import type { QueuedEvent } from './queue-reader.ts'

/** An event, and the status by which it was refused. */
export interface Refused {
  event: QueuedEvent
  status: number
}

/** Puts events aside; rejects with AUDIT_REFUSED_FULL where the file has its size. */
export async function putAside(
  path: string,
  refused: readonly Refused[],
  maxBytes: number,
): Promise<void> {
  const lines = refused.map(({ event: { id, event }, status }) => {
    return `{"id":"${id}","status":${status},"event":${event}}\n`
  })
  const text = lines.join('')
  const size = await sizeOf(`${path}.refused`)
  if (size + text.length > maxBytes) throw new AuditFault('AUDIT_REFUSED_FULL')
  const file = await open(`${path}.refused`, 'a', 0o600)
  try {
    await file.appendFile(text)
    await file.datasync()
  } finally {
    await file.close()
  }
  if (size === 0) await syncFolder(path)
}
