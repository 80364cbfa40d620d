// Sessions that were opened in this process: unsealed and parsed once, not with each request. Bounded in
// bytes, because an EHR decides how large its tokens are. No I/O, no clock.

import { createBoundedMap } from '../bounded-map.ts'
import type { TokenSet } from '../smart/types.ts'
import type { Head } from '../vault/vault.ts'
import type { OpenSession } from './session.ts'

export interface Opened {
  open: OpenSession
  /** What the vault said of the record when it was opened. */
  head: Head
  /** Memory it takes. */
  bytes: number
}

export interface OpenedSessions {
  get(recordId: string): Opened | undefined
  has(recordId: string): boolean
  /** Keeps a session, in place of what was known of it, and gives it back. */
  keep(opened: Opened): OpenSession
  delete(recordId: string): void
}

/** What is not in the record: the ticket, the head, the header that carries the token. */
const SESSION_BYTES = 1024
/** An object, a list, a member and a text take so much, however short they are. */
const OBJECT_BYTES = 64
const TEXT_BYTES = 32
/** The context, claims and scopes of a token set. */
const TOKENS_BYTES = 8 * 1024

/** No session is open yet; those that are take at most so many bytes. */
export function createOpenedSessions(maxBytes: number): OpenedSessions {
  const opened = createBoundedMap<Opened>(maxBytes, ({ bytes }) => bytes)
  return {
    get: opened.get,
    has: opened.has,
    keep(session) {
      opened.set(session.open.recordId, session)
      return session.open
    },
    delete: opened.delete,
  }
}

/** What a session takes in memory, in bytes, by the JSON that it was read from. */
export function weighSession(json: Uint8Array): number {
  let objects = 0
  let quotes = 0
  for (const char of json) {
    if (char === 0x22) quotes++
    else if (char === 0x3a || char === 0x5b || char === 0x7b) objects++
  }
  return SESSION_BYTES + 2 * json.length + OBJECT_BYTES * objects + (TEXT_BYTES / 2) * quotes
}

/** What a token set takes in memory, in bytes, where its JSON is not at hand. */
export function weighTokens({ accessToken, refreshToken = '', idToken = '' }: TokenSet): number {
  return TOKENS_BYTES + accessToken.length + refreshToken.length + idToken.length
}
