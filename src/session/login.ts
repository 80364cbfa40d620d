// A login that went well, and how it is handed over: to a session of ours, or to a host that keeps its
// own. Types only; requests and replies are the framework's.

import type { TokenSet } from '../smart/types.ts'

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
