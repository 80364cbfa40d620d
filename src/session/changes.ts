// What happens to sessions, told within the process as it happens; and why a session ended, noted in the
// vault for the other processes for a minute. No clock of its own.

import type { RecordId, Vault } from '../vault/vault.ts'
import type { OpenSession } from './session.ts'

/** Why a session ended, as its frontend is told. */
export const endReasons = [
  /** By its own user. */
  'logout',
  /** By the EHR's back-channel logout. */
  'ehr',
  /** By an administrator. */
  'operator',
  /** Another user has logged in with this browser. */
  'other_user',
  /** The browser had more sessions than it may have. */
  'too_many',
  /** The EHR gives no further access token. */
  'token_ended',
] as const

export type EndReason = (typeof endReasons)[number]

export type SessionChange =
  | { type: 'ended'; recordId: RecordId; ehr: string | undefined; reason: EndReason | undefined }
  | { type: 'renewed'; open: OpenSession }

export interface Changes {
  tell(change: SessionChange): void
  /** Hears every change in this process from now on; the returned function ends that. */
  watch(listener: (change: SessionChange) => void): () => void
}

const NOTE_MS = 60_000

/** Nobody listens yet. */
export function createChanges(): Changes {
  const listeners = new Set<(change: SessionChange) => void>()
  return {
    tell(change) {
      for (const listener of listeners) listener(change)
    },
    watch(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
  }
}

/** Notes why a session is about to end. An ending never waits for its reason: what fails is not noted. */
export async function noteReason(
  vault: Pick<Vault, 'take' | 'now'>,
  id: RecordId,
  reason: EndReason,
): Promise<void> {
  await vault.take(keyOf(id, reason), vault.now() + NOTE_MS).catch(() => undefined)
}

/** Why a session ended within the last minute; undefined where nobody has said so. */
export async function findReason(
  vault: Pick<Vault, 'isTaken'>,
  id: RecordId,
): Promise<EndReason | undefined> {
  const isNoted = await Promise.all(
    endReasons.map(reason => vault.isTaken(keyOf(id, reason)).catch(() => false)),
  )
  return endReasons.find((_reason, i) => isNoted[i])
}

function keyOf(id: RecordId, reason: EndReason): string {
  return `ended ${id} ${reason}`
}
