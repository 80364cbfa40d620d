// A session: what a finished launch becomes. One launch, one session; its id is public, its ticket is
// not. The absolute limit lies inside the sealed value, out of reach of whoever can write the store.

import type { TokenSet } from '../smart/types.ts'

export interface Session {
  /** 128 random bits, base64url: the id in the path and in the cookie's name. */
  id: string
  /** Registration id. */
  ehr: string
  /** FHIR base URL as registered. */
  iss: string
  createdAt: number
  /** Absolute limit: no use, no refresh moves it. */
  endsAt: number
  tokens: TokenSet
}

/** The secret half of the cookie that opens one session. */
export interface Ticket {
  /** Session id. */
  id: string
  /** Registration id; part of what the record is sealed to. */
  ehr: string
  /** 256 random bits, base64url; with the server key it makes the record's key. */
  secret: string
  /** Where the session lies in the vault: follows from the id, and is asked for on every request. */
  recordId: string
}

/** A session opened for one request, with what is needed to replace or end its record. */
export interface OpenSession {
  session: Session
  ticket: Ticket
  recordId: string
  generation: number
  lastUsedAt: number
  /** Nearer of idle and absolute limit, as the vault has it. */
  expiresAt: number
}
