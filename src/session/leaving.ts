// Leaving a session by its ticket: the record is removed, and where the vault cannot be reached the
// browser is out all the same. Refuses with `session_invalid` where nothing is to be left.

import { BrokerError } from '../errors.ts'
import type { OpenSession, Ticket } from './session.ts'
import type { SessionStore } from './store.ts'

export interface Left {
  /** The session as it was; not there where the vault did not say and it was not open here. */
  open?: OpenSession
  /** False where the record may still lie in the vault: its ending is tried again. */
  isEnded: boolean
  /** Why it is not to be acknowledged although it is done: it is not in the audit. */
  unrecorded?: unknown
}

/** Ends the session of a ticket; `open` opens it as a request would. */
export async function leave(
  ticket: Ticket,
  store: Pick<SessionStore, 'recall' | 'end' | 'isGone'>,
  open: (ticket: Ticket) => OpenSession | Promise<OpenSession>,
): Promise<Left> {
  const known = store.recall(ticket)
  const found = await unlessAway(async () => {
    try {
      return await open(ticket)
    } catch (error) {
      // Another's logout may be under way: no process serves what this one says is over.
      await unlessAway(() => store.isGone(ticket.recordId))
      throw error
    }
  })
  const ended = await unlessAway(() => store.end(ticket.recordId, { reason: 'logout' }))
  return { open: found ?? known, isEnded: ended !== undefined }
}

/** What a step gives, or nothing where the vault is away. */
async function unlessAway<T>(step: () => Promise<T>): Promise<T | undefined> {
  try {
    return await step()
  } catch (error) {
    if (error instanceof BrokerError && error.code === 'vault_unavailable') return undefined
    throw error
  }
}
