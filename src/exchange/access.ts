// Where the sessions of proxied requests and their tokens come from: our own store, or a host that keeps
// the sessions itself. No I/O of its own, no clock.

import { BrokerError } from '../errors.ts'
import { buildSessionBaseUrl } from '../session/document.ts'
import type { OpenSession } from '../session/session.ts'
import type { SessionStore } from '../session/store.ts'
import type { TokenSource } from './exchange.ts'
import type { ProxiedSession } from './proxied-session.ts'

export interface SessionAccess<Request> extends TokenSource {
  /** Our FHIR base URL for a session. */
  baseUrl(id: string): string
  /** The session of an id in the path; without one, of a request at `/fhir`. */
  open(request: Request, id: string | undefined): ProxiedSession | Promise<ProxiedSession>
}

/** What our own sessions are opened by; the tokens and the store know nothing of requests. */
export interface TicketParts<Request> {
  tickets: {
    open(request: Request, id: string): OpenSession | Promise<OpenSession>
    /** Session ids of the tickets that a request carries. */
    ids(request: Request): string[]
  }
  sessions: Pick<SessionStore, 'open'>
  tokens: {
    accessToken(open: OpenSession): string | Promise<string>
    renew(open: OpenSession): Promise<string>
  }
  /** Whether a request may leave its only session unnamed. */
  mayUseAlias(request: Request): boolean
}

/** Sessions of ours, by the tickets that requests carry. */
export function accessByTicket<Request>(
  { tickets, sessions, tokens, mayUseAlias }: TicketParts<Request>,
  publicUrl: string,
): SessionAccess<Request> {
  return {
    baseUrl: id => buildSessionBaseUrl(publicUrl, id),
    open: (request, id) => tickets.open(request, id ?? chooseOnly(request)),
    accessToken: open => tokens.accessToken(open as OpenSession),
    renew: open => tokens.renew(open as OpenSession),
    look: async (open, slide) => await sessions.open((open as OpenSession).ticket, { slide }),
  }

  // Never a default session where a second patient could appear.
  function chooseOnly(request: Request): string {
    const ids = tickets.ids(request)
    const [only] = ids
    if (only === undefined) throw new BrokerError('session_invalid')
    if (ids.length > 1 || !mayUseAlias(request)) {
      const links = ids.map(id => ({
        url: buildSessionBaseUrl(publicUrl, id),
        rel: 'alternate' as const,
      }))
      throw new BrokerError('session_ambiguous', { links })
    }
    return only
  }
}

/**
 * The token for one request, and the EHR that it is good for. `session` is the id in the path; there is
 * none at `/fhir`. With `refused`, the EHR has refused that token: a newer one, or the same again when
 * there is none. A BrokerError, or an error with a status, refuses the request.
 */
export type HostToken<Request> = (
  request: Request,
  asked: { session: string | undefined; refused?: string },
) => Promise<{
  /** Registration id. */
  ehr: string
  accessToken: string
  /** Who shares what one user may take; each session is a user of its own unless told. */
  user?: string
}>

export interface HostAccessOptions {
  registrations: readonly { id: string; iss: string }[]
  /** Public URL without a trailing slash. */
  publicUrl: string
}

/**
 * Sessions of a host, which gives the tokens; a token that it gives again after the EHR refused it, or
 * one for another EHR, is `upstream_unauthorized`.
 */
export function accessByHost<Request>(
  token: HostToken<Request>,
  { publicUrl, registrations }: HostAccessOptions,
): SessionAccess<Request> {
  const bases = new Map(registrations.map(({ id, iss }) => [id, iss]))
  const requests = new WeakMap<ProxiedSession, Request>()
  return {
    baseUrl: id => (id === '' ? `${publicUrl}/fhir` : buildSessionBaseUrl(publicUrl, id)),
    async open(request, id = '') {
      const { ehr, accessToken, user } = await token(request, { session: id || undefined })
      const iss = bases.get(ehr)
      if (iss === undefined)
        throw new Error('fhirstorm-proxy: options.token named no registered EHR')
      const identity = user === undefined ? undefined : { iss, sub: user }
      const open = { recordId: '', session: { id, ehr, iss, tokens: { accessToken, identity } } }
      requests.set(open, request)
      return open
    },
    accessToken: ({ session }) => session.tokens.accessToken,
    async renew(open) {
      const { id, ehr, tokens } = open.session
      const refused = tokens.accessToken
      const asked = { session: id || undefined, refused }
      const given = await token(requests.get(open) as Request, asked)
      // One of another EHR is none for this one, and never shown to it.
      if (given.accessToken === refused || given.ehr !== ehr) {
        throw new BrokerError('upstream_unauthorized', { ehr })
      }
      return given.accessToken
    },
  }
}
