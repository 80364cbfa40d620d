// A login that went well, and how it is handed over: to a session of ours, or to a host that keeps its
// own. Requests and replies are the framework's.

import type { TokenSet } from '../smart/types.ts'
import type { OpenSession } from './session.ts'
import type { SessionStore } from './store.ts'

/** A launch that went well: who logged in where, and where the browser is to go. */
export interface Login {
  /** Registration id. */
  ehr: string
  /** FHIR base URL of the EHR. */
  iss: string
  tokens: TokenSet
  /** Path or URL at the frontend. */
  returnTo: string
}

/**
 * Called once per login, with the request that brought the code. What it gives is put on every answer
 * that tells of this login: parameters for the landing URL, and cookies or headers by `land`. When it
 * rejects, the tokens are given back where the app can (`smartTokens`).
 */
export type HandOver<Request, Reply> = (
  request: Request,
  reply: Reply,
  login: Login,
) => Promise<HandedOverBy<Reply> | undefined>

export interface HandedOverBy<Reply> {
  /** Id of the session, told to the frontend in the landing URL. */
  session?: string
  land?(reply: Reply): void
  /** Ends it again, where its answer never reached the browser. */
  undo?(): Promise<void>
}

/** What a session of ours is begun and ended by; the ticket is set on the reply. */
export interface TicketParts<Request, Reply, Granted> {
  begin(request: Request, login: Omit<Login, 'returnTo'>): Promise<Granted>
  grant(reply: Reply, granted: Granted): void
}

/** The product's own way to take a login over: a session in the vault, and its ticket in a cookie. */
export function handOverByTicket<Request, Reply, Granted extends { open: OpenSession }>(
  tickets: TicketParts<Request, Reply, Granted>,
  sessions: Pick<SessionStore, 'end'>,
): HandOver<Request, Reply> {
  return async (request, _reply, login) => {
    const granted = await tickets.begin(request, login)
    const { session, recordId } = granted.open
    return {
      session: session.id,
      land: reply => tickets.grant(reply, granted),
      undo: async () => void (await sessions.end(recordId, { reason: 'logout' })),
    }
  }
}
