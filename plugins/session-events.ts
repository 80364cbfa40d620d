// Route: what happens to this browser's sessions, as Server-Sent Events: first the list, then ends,
// warnings, renewals, and whether their EHRs answer. Keeps no session alive. Told within the process as it
// happens, and across processes by the vault.

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { aboutOf } from '../src/about.ts'
import { eventStreamHeaders, formatEvent, heartbeat } from '../src/browser/server-events.ts'
import { readCaller } from '../src/caller.ts'
import { BrokerError } from '../src/errors.ts'
import { type Availability, createAvailability, type Seen } from '../src/exchange/availability.ts'
import { defaultEventLimits, type EventLimits } from '../src/limits.ts'
import { tellId } from '../src/network/request-id.ts'
import { observerOf } from '../src/observer.ts'
import { aPublicUrl, judgeOptions, listWith, requireParts } from '../src/plugin-terms.ts'
import { buildSessionDocument, type DocumentOptions } from '../src/session/document.ts'
import type { OpenSession } from '../src/session/session.ts'
import { createWatching, type WatchedEvent } from '../src/session/watching.ts'
import { missingScopes } from '../src/smart/scope/scope-set.ts'
import type {} from './guard.ts'
import type {} from './session-store.ts'
import type {} from './tickets.ts'
import type {} from './vault.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** Which EHRs answer; the proxy notes it. */
    smartAvailability?: Availability
  }
}

export interface SessionEventsOptions extends Omit<DocumentOptions, 'missingScopes' | 'now'> {
  ehrs: readonly { id: string; embedded: boolean }[]
  limits?: Partial<EventLimits>
}

const LOOK_MS = 250
const HEARTBEAT_MS = 20_000
const WARN_MS = 120_000
/** What a client that does not read may leave waiting. */
const MAX_WAITING_BYTES = 64 * 1024

async function sessionEvents(app: FastifyInstance, options: SessionEventsOptions): Promise<void> {
  requireParts(app, 'session-events', ['smartGuard', 'smartSessions', 'smartTickets', 'smartVault'])
  judgeOptions('session-events', options, { publicUrl: aPublicUrl, ehrs: listWith('id') })
  const { smartGuard: guard, smartSessions: store, smartTickets: tickets, smartVault: vault } = app
  const observer = observerOf(app)
  const seenOf = (read: (seen: Seen) => number | undefined) => () =>
    options.ehrs.flatMap(({ id }) => {
      const value = read(availability.seen(id))
      return value === undefined ? [] : [[id, value] as const]
    })
  const rules = { ...options, missingScopes, now: app.smartVault.now }
  const limits = { ...defaultEventLimits, ...options.limits }
  const embedded = new Set(options.ehrs.filter(ehr => ehr.embedded).map(({ id }) => id))
  const availability = createAvailability()
  const watching = createWatching({ vault, store, warnMs: WARN_MS })
  const streams = new Set<FastifyReply['raw']>()
  /** Those of callers without a session, who are told of nothing. */
  const strangers = new Set<FastifyReply['raw']>()
  const perSession = new Map<string, number>()
  app.decorate('smartAvailability', availability)
  observer.show('fhirstorm_up', () => {
    const states = app.smartDiscovery?.states() ?? []
    const failing = new Set(states.filter(({ state }) => state === 'failing').map(({ ehr }) => ehr))
    return options.ehrs.map(({ id }) => {
      const isUp = !availability.isDown(id) && !failing.has(id)
      return [id, isUp ? 1 : 0] as const
    })
  })
  const inSeconds = (at?: number) => (at === undefined ? undefined : at / 1000)
  observer.show(
    'fhirstorm_last_success_timestamp_seconds',
    seenOf(({ lastSuccessAt }) => inSeconds(lastSuccessAt)),
  )
  observer.show(
    'fhirstorm_last_failure_timestamp_seconds',
    seenOf(({ lastFailure }) => inSeconds(lastFailure?.at)),
  )
  observer.show(
    'fhirstorm_breaker_open',
    seenOf(({ isResting }) => (isResting ? 1 : 0)),
  )
  observer.show('fhirstorm_session_event_streams', () => streams.size)

  let isLooking = false
  const look = setInterval(() => {
    if (isLooking || watching.size === 0) return
    isLooking = true
    // A vault that is away says nothing of any session; it is asked again.
    const done = () => {
      isLooking = false
    }
    watching.look().then(done, done)
  }, LOOK_MS).unref()
  const beat = setInterval(() => {
    for (const stream of streams) write(stream, heartbeat)
  }, HEARTBEAT_MS).unref()
  app.addHook('preClose', async () => {
    clearInterval(look)
    clearInterval(beat)
    for (const stream of streams) stream.end()
  })

  app.route({
    method: 'GET',
    url: '/sessions/events',
    exposeHeadRoute: false,
    async handler(request, reply) {
      guard.check(request)
      const { live } = await tickets.openAll(request)
      if (live.some(({ session }) => embedded.has(session.ehr))) {
        guard.check(request, { embedded: true })
      }
      // Who has left meanwhile would never be heard to leave, and hold its place for ever.
      if (reply.raw.destroyed) return void reply.hijack()
      claim(live)
      stream(request, reply, live)
    },
  })

  // One browser may have so many for each of its sessions, and all together so many. Anybody may listen
  // without a session: those make room for whoever has one.
  function claim(live: readonly OpenSession[]): void {
    const isOwn = live.some(({ recordId }) => (perSession.get(recordId) ?? 0) >= limits.perSession)
    if (isOwn) throw new BrokerError('too_many_requests', { retryAfterSeconds: 30 })
    const [stranger] = live.length > 0 && streams.size >= limits.all ? strangers : []
    if (stranger) end(stranger)
    if (streams.size >= limits.all) {
      throw new BrokerError('too_many_in_flight', { retryAfterSeconds: 30 })
    }
  }

  function stream(
    request: FastifyRequest,
    reply: FastifyReply,
    live: readonly OpenSession[],
  ): void {
    const { raw } = reply
    const tell = (type: string, data: unknown) => write(raw, formatEvent(type, data))
    const ehrs = new Set(live.map(({ session }) => session.ehr))
    const tellEhr = (ehr: string, isDown: boolean) => {
      if (ehrs.has(ehr)) tell('ehr', { ehr, state: isDown ? 'down' : 'up' })
    }
    reply.hijack()
    raw.writeHead(200, [
      ...eventStreamHeaders,
      ...guard.corsHeaders(request),
      'x-request-id',
      tellId(request.id),
    ])
    streams.add(raw)
    if (live.length === 0) strangers.add(raw)
    count(live, 1)
    tell(
      'sessions',
      live.map(open => buildSessionDocument(open, rules)),
    )
    for (const ehr of ehrs) if (availability.isDown(ehr)) tellEhr(ehr, true)
    const leave = watching.add({ sessions: live, hear: event => tell(...describe(event)) })
    const forget = availability.watch(tellEhr)
    raw.once('close', () => {
      leave()
      forget()
      streams.delete(raw)
      strangers.delete(raw)
      count(live, -1)
      observer.observe({
        ...{ method: 'GET', route: '/sessions/events', status: 200 },
        milliseconds: Math.round(reply.elapsedTime),
        ...aboutOf(request),
        requestId: request.id,
        ...readCaller(request.headers),
      })
    })
  }

  function end(stream: FastifyReply['raw']): void {
    streams.delete(stream)
    strangers.delete(stream)
    stream.destroy()
  }

  function count(live: readonly OpenSession[], by: 1 | -1): void {
    for (const { recordId } of live) {
      const held = (perSession.get(recordId) ?? 0) + by
      if (held > 0) perSession.set(recordId, held)
      else perSession.delete(recordId)
    }
  }
}

/** An event as the frontend is told it: ids, times and reasons, never a token. */
function describe(event: WatchedEvent): [type: string, data: unknown] {
  if (event.type !== 'renewed') return [event.type, { ...event, type: undefined }]
  const { session } = event.open
  const { accessTokenExpiresAt, accessTokenLifetimeMs } = session.tokens
  return [
    'renewed',
    {
      id: session.id,
      at: new Date(accessTokenExpiresAt - accessTokenLifetimeMs).toISOString(),
      tokenExpiresAt: new Date(accessTokenExpiresAt).toISOString(),
    },
  ]
}

function write(stream: FastifyReply['raw'], text: string): void {
  if (stream.destroyed) return
  if (!stream.write(text) && stream.writableLength > MAX_WAITING_BYTES) stream.destroy()
}

export default fp(sessionEvents, {
  name: 'fhirstorm-session-events',
  fastify: '5.x',
})
