// Capability: sessions by their tickets. Gives a new session its cookie, opens a session for a request
// that carries its ticket, ends it. Path id, cookie name and sealed content must agree; everything
// else is the one identical 401.

import { randomBytes as randomBytesOfNode } from 'node:crypto'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { type About, noteAbout, pseudonymOf } from '../src/about.ts'
import { createBoundedMap } from '../src/bounded-map.ts'
import { BrokerError } from '../src/errors.ts'
import { defaultMemoryLimits } from '../src/limits.ts'
import { callerOf } from '../src/network/address.ts'
import { observerOf } from '../src/observer.ts'
import { judgeOptions, listWith, requireParts, withMethods } from '../src/plugin-terms.ts'
import { type Left, leave as leaveSession } from '../src/session/leaving.ts'
import type { Login } from '../src/session/login.ts'
import {
  type BrowserRules,
  createBrowserSessions,
  type IssuedTicket,
  nameBrowser,
} from '../src/session/same-browser.ts'
import type { RecordSealer } from '../src/session/sealer.ts'
import type { OpenSession, Ticket } from '../src/session/session.ts'
import type { RandomBytes } from '../src/smart/types.ts'
import type {} from './cookies.ts'
import type {} from './session-store.ts'
import type {} from './vault.ts'

declare module 'fastify' {
  interface FastifyInstance {
    smartTickets: Tickets
  }
  interface FastifyRequest {
    smartAbout?: About
  }
}

export interface Tickets {
  /** Makes the session durable, and ends what the rules of this browser end. */
  begin(request: FastifyRequest, login: Omit<Login, 'returnTo'>): Promise<Granted>
  /** Sets the ticket of a new session and clears the tickets that are over. */
  grant(reply: FastifyReply, granted: Granted): void
  /** The live session of this id whose ticket the request carries, else `session_invalid`. */
  open(
    request: FastifyRequest,
    id: string,
    how?: { slide: boolean },
  ): OpenSession | Promise<OpenSession>
  /** Whose ticket a request carries for this id, or its only one, whatever has become of the session. */
  peek(request: FastifyRequest, id?: string): About
  /** Every session of this request, none kept alive, and tickets that open none, to be cleared. */
  openAll(request: FastifyRequest): Promise<{ live: OpenSession[]; dead: DeadTicket[] }>
  /** Session ids of its tickets, unverified. */
  ids(request: FastifyRequest): string[]
  clear(reply: FastifyReply, id: string, ehr?: string): void
  /**
   * Ends the session of this id whose ticket the request carries, else `session_invalid`, and takes the
   * cookie, also where the vault cannot be reached: this browser is out in any case.
   */
  leave(request: FastifyRequest, reply: FastifyReply, id: string): Promise<Left>
  /** The same for every ticket of the request; those that open nothing are cleared. */
  leaveAll(request: FastifyRequest, reply: FastifyReply): Promise<Left[]>
}

export interface DeadTicket {
  /** Session id. */
  id: string
  /** Registration id, where the ticket can be read at all. */
  ehr?: string
}

export interface Granted {
  open: OpenSession
  /** Value of the browser cookie. */
  browser: string
  /** Tickets whose sessions are over. */
  over: readonly IssuedTicket[]
}

export interface TicketsOptions {
  /** The time of day that all instances share; the vault's unless told. */
  now?: () => number
  /** Node's unless told. */
  randomBytes?: RandomBytes
  /** Longest life of a session, and so of its cookie, in milliseconds; 12 hours unless told. */
  absoluteMs?: number
  sealer: RecordSealer
  /** Eight sessions a browser, and another user at the same EHR ends the earlier one's, unless told. */
  rules?: BrowserRules
  /** Memory for tickets that were unsealed; 16 MiB unless told. */
  ticketBytes?: number
  /** Sessions of an EHR that is no longer one of these, or has moved, open no more. */
  registrations: readonly { id: string; iss: string; embedded: boolean }[]
}

/** Cookies cleared by one answer: proxies in front take no more than 4 KiB of headers. */
const MAX_CLEARED = 16
const TICKET_BYTES = 400
const DEFAULT_RULES: BrowserRules = { perBrowser: 8, onUserChange: 'end' }

async function tickets(app: FastifyInstance, options: TicketsOptions): Promise<void> {
  requireParts(app, 'tickets', ['smartCookies', 'smartSessions', 'smartVault'])
  judgeOptions('tickets', options, {
    registrations: listWith('id', 'iss'),
    sealer: withMethods('seal', 'open', 'recordId'),
  })
  const { smartCookies: cookies, smartVault: vault, smartSessions: store } = app
  const observer = observerOf(app)
  const { sealer, rules = DEFAULT_RULES, now = vault.now, absoluteMs = 43_200_000 } = options
  const { randomBytes = randomBytesOfNode, ticketBytes = defaultMemoryLimits.ticketBytes } = options
  const registrations = new Map(options.registrations.map(entry => [entry.id, entry]))
  const browserSessions = createBrowserSessions({ vault, store, sealer, rules, now })
  const lifetimeSeconds = Math.round(absoluteMs / 1000)
  /** Tickets by their sealed text: a cookie is unsealed once, not on each request. */
  const known = createBoundedMap<Ticket>(ticketBytes, () => TICKET_BYTES)

  app.decorate('smartTickets', { begin, grant, peek, open, openAll, ids, clear, leave, leaveAll })

  async function begin(request: FastifyRequest, login: Omit<Login, 'returnTo'>): Promise<Granted> {
    const browser = nameBrowser(cookies.read(request, cookies.names.browser), randomBytes)
    const open = await store.begin(login.iss, login.tokens, browser, login.ehr)
    try {
      const over = await browserSessions.settle(browser, open)
      observer.count('started', login.ehr)
      return { open, browser, over }
    } catch (error) {
      // Its ticket goes to nobody, and its tokens go back.
      await store.end(open.recordId).catch(() => undefined)
      throw error
    }
  }

  function grant(reply: FastifyReply, { open, browser, over }: Granted): void {
    const { id, ehr, secret } = open.ticket
    const how = { embedded: isEmbedded(ehr), maxAgeSeconds: lifetimeSeconds }
    for (const ticket of over) clear(reply, ticket.id, ticket.ehr)
    const sealed = cookies.seal('ticket', { id, ehr, secret })
    cookies.set(reply, 'ticket', cookies.names.ticket(id), sealed, how)
    cookies.set(reply, 'browser', cookies.names.browser, browser, how)
  }

  function open(request: FastifyRequest, id: string, how = { slide: true }) {
    return openTicket(requireTicket(request, id), how)
  }

  function openTicket(ticket: Ticket, how: { slide: boolean }) {
    const found = store.open(ticket, how)
    return found instanceof Promise ? found.then(requireRegistered) : requireRegistered(found)
  }

  const isRegistered = ({ session: { ehr, iss } }: OpenSession) =>
    registrations.get(ehr)?.iss === iss
  const requireRegistered = (found: OpenSession) => (isRegistered(found) ? found : refuse())
  const isEmbedded = (ehr = '') => registrations.get(ehr)?.embedded ?? false

  function requireTicket(request: FastifyRequest, id: string): Ticket {
    const ticket = readTicket(cookies.read(request, cookies.names.ticket(id)), id)
    noteAbout(request, ticket ?? { recordId: store.recordId(id) })
    return ticket ?? refuse()
  }

  function peek(request: FastifyRequest, id?: string): About {
    const [only, ...others] = id === undefined ? ids(request) : [id]
    if (only === undefined || others.length > 0) return {}
    const ticket = readTicket(cookies.read(request, cookies.names.ticket(only)), only)
    return { ehr: ticket?.ehr, recordId: store.recordId(only) }
  }

  function readTicket(text: string | undefined, id: string): Ticket | undefined {
    if (text === undefined) return undefined
    const cached = known.get(text)
    if (cached) return cached.id === id ? cached : undefined
    const content = cookies.open('ticket', text)
    if (content?.id !== id || !content.ehr || !content.secret) return undefined
    const { ehr, secret } = content
    const ticket = { id, ehr, secret, recordId: store.recordId(id) }
    known.set(text, ticket)
    return ticket
  }

  async function openAll(request: FastifyRequest) {
    return await withEach(request, ticket => openTicket(ticket, { slide: false }))
  }

  /** What a step makes of every ticket that opens a session; the others are dead. */
  async function withEach<T>(request: FastifyRequest, step: (ticket: Ticket) => T | Promise<T>) {
    const live: T[] = []
    const dead: DeadTicket[] = []
    const sent = cookies.names.tickets(request.headers.cookie)
    const tickets = [...sent].map(([id, text]) => ({ id, ticket: readTicket(text, id) }))
    if (tickets.length === 1 && !request.smartAbout) noteAbout(request, tickets[0]?.ticket ?? {})
    const outcomes = await Promise.allSettled(
      tickets.map(async ({ ticket }) => await step(ticket ?? refuse())),
    )
    for (const [i, outcome] of outcomes.entries()) {
      if (outcome.status === 'fulfilled') live.push(outcome.value)
      else if (!isRefusal(outcome.reason)) throw outcome.reason
      else if (dead.length < MAX_CLEARED) {
        const { id = '', ticket } = tickets[i] ?? {}
        dead.push({ id, ehr: ticket?.ehr })
      }
    }
    return { live, dead }
  }

  function ids(request: FastifyRequest): string[] {
    return [...cookies.names.tickets(request.headers.cookie).keys()]
  }

  function clear(reply: FastifyReply, id: string, ehr?: string): void {
    cookies.clear(reply, 'ticket', cookies.names.ticket(id), { embedded: isEmbedded(ehr) })
  }

  async function leave(request: FastifyRequest, reply: FastifyReply, id: string): Promise<Left> {
    return await leaveBy(requireTicket(request, id), request, reply)
  }

  async function leaveAll(request: FastifyRequest, reply: FastifyReply): Promise<Left[]> {
    const { live, dead } = await withEach(request, ticket => leaveBy(ticket, request, reply))
    for (const { id, ehr } of dead) clear(reply, id, ehr)
    return live
  }

  async function leaveBy(ticket: Ticket, request: FastifyRequest, reply: FastifyReply) {
    const left = await leaveSession(ticket, store, each => openTicket(each, { slide: false }))
    // Remembered where the vault is away: of an EHR that has moved, nobody is told anything.
    if (left.open && !isRegistered(left.open)) left.open = undefined
    clear(reply, ticket.id, ticket.ehr)
    if (left.isEnded) observer.count('logged_out', ticket.ehr)
    const whose = left.open?.session.tokens
    const who = { ehr: ticket.ehr, session: pseudonymOf(ticket.recordId), whose }
    const user = whose && app.smartUserName?.(ticket.ehr, whose)
    const reason = left.isEnded ? 'user' : 'incomplete'
    const recorded = observer.tell({ act: 'logout', ...who, user, reason, ...callerOf(request) })
    return { ...left, unrecorded: await recorded?.catch((error: unknown) => error) }
  }
}

function refuse(): never {
  throw new BrokerError('session_invalid')
}

const isRefusal = (error: unknown) => error instanceof BrokerError && error.status === 401

export default fp(tickets, {
  name: 'fhirstorm-tickets',
  fastify: '5.x',
})
