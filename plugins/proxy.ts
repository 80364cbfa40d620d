// Routes: FHIR through the proxy. Everything that may refuse comes first: guard, target, session, body,
// token. Then one request carries the bearer to the FHIR base, and the answer streams back.

import { Readable } from 'node:stream'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { BrokerError } from '../src/errors.ts'
import { accessByHost, type HostToken, type SessionAccess } from '../src/exchange/access.ts'
import { createExchange } from '../src/exchange/exchange.ts'
import type { ForwardOutcome } from '../src/exchange/forward.ts'
import type { ProxiedRequest } from '../src/exchange/proxied-request.ts'
import type { ProxiedSession } from '../src/exchange/proxied-session.ts'
import { hasBody } from '../src/exchange/request-body.ts'
import { createRunning } from '../src/exchange/running.ts'
import { createShares } from '../src/exchange/shares.ts'
import { lingering } from '../src/exchange/upload.ts'
import { createUpstreams } from '../src/exchange/upstream.ts'
import { defaultProxyLimits, type ProxyLimits } from '../src/limits.ts'
import { observerOf } from '../src/observer.ts'
import {
  aFunction,
  anObject,
  aPublicUrl,
  judgeOptions,
  listWith,
  oneOf,
  optional,
  requireParts,
} from '../src/plugin-terms.ts'
import { writeBodyType } from '../src/proxy/headers.ts'
import { securityHeaders } from '../src/proxy/inert.ts'
import { buildOwnAddress } from '../src/proxy/own-address.ts'
import { parseTarget, type Target } from '../src/proxy/target.ts'
import { buildSessionBaseUrl } from '../src/session/document.ts'
import type { OpenSession } from '../src/session/session.ts'
import type { ProxiedEhr } from '../src/smart/types.ts'
import type {} from './errors.ts'
import type {} from './guard.ts'
import type {} from './renewal.ts'
import type {} from './session-events.ts'
import type {} from './session-store.ts'
import type {} from './tickets.ts'

export interface ProxyOptions {
  /** Registrations, or no more of each EHR than the proxy needs. */
  registrations: readonly ProxiedEhr[]
  /** Public URL without a trailing slash. */
  publicUrl: string
  /**
   * `always` lets browsers use /fhir too: for portals where one browser has one patient; `scripts` unless
   * told.
   */
  fhirAlias?: 'scripts' | 'always'
  limits?: Partial<ProxyLimits>
  /** Gives the tokens where the host keeps the sessions; tickets and renewal are not needed then. */
  token?: HostToken<FastifyRequest>
}

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']
const TICK_MS = 250

async function proxy(app: FastifyInstance, options: ProxyOptions): Promise<void> {
  requireParts(app, 'proxy', ['smartGuard'])
  judgeOptions('proxy', options, {
    registrations: listWith('id', 'iss'),
    publicUrl: aPublicUrl,
    fhirAlias: optional(oneOf('scripts', 'always')),
    limits: optional(anObject),
    token: optional(aFunction),
  })
  const { smartGuard: guard } = app
  const observer = observerOf(app)
  const access = options.token ? accessByHost(options.token, options) : accessByTicket(app, options)
  const limits = { ...defaultProxyLimits, ...options.limits }
  // A clock that nobody sets: requests under way must not be cut when the time of day jumps.
  const running = createRunning(() => performance.now())
  const upstreams = createUpstreams(options.registrations, limits)
  const exchange = createExchange({
    ...{ running, limits, tokens: access },
    ownAddress: buildOwnAddress(options.publicUrl),
    sharesOf: createShares({
      ...{ requests: limits.inFlight, events: limits.events, bytes: limits.heldBytes },
    }),
  })

  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', (_request, _payload, done) => done(null))
  app.addHook('onRequest', (request, _reply, done) => {
    guard.check(request)
    writeBodyType(request.raw.headers)
    done(request.raw.headers.upgrade ? new BrokerError('upgrade_refused') : undefined)
  })
  app.addHook('onSend', secureRefusal)

  let isLooking = false
  const timer = setInterval(running.tick, TICK_MS)
  const watch = setInterval(() => {
    if (!isLooking) cutEndedSessions().catch(observer.noteFault)
  }, 2 * TICK_MS)
  app.addHook('onClose', async () => {
    clearInterval(timer)
    clearInterval(watch)
    await upstreams.close()
  })

  const config = { fhir: true }
  for (const url of ['/sessions/:id/fhir', '/sessions/:id/fhir/*']) {
    app.route({
      ...{ method: METHODS, url, config },
      handler(request: FastifyRequest<{ Params: { id: string } }>, reply) {
        const { id } = request.params
        const mount = `${app.prefix}/sessions/${id}/fhir`
        return pass(request, reply, id, parseTarget(request.raw.url ?? '', mount))
      },
    })
  }
  for (const url of ['/fhir', '/fhir/*']) {
    app.route({
      ...{ method: METHODS, url, config },
      handler(request, reply) {
        const target = parseTarget(request.raw.url ?? '', `${app.prefix}/fhir`)
        return pass(request, reply, undefined, target)
      },
    })
  }

  async function pass(
    request: FastifyRequest,
    reply: FastifyReply,
    named: string | undefined,
    target: Target,
  ): Promise<void> {
    const opening = access.open(request, named)
    const open = opening instanceof Promise ? await opening : opening
    const upstream = upstreams.of(open)
    if (upstream.registration.embedded) guard.check(request, { embedded: true })
    const proxied: ProxiedRequest = {
      request: request.raw,
      response: reply.raw,
      method: request.method,
      target,
      traces: [],
      open,
      upstream,
      byAlias: named === undefined,
      ours: access.baseUrl(open.session.id),
      ownHeaders: guard.corsHeaders(request),
    }
    const { ehr } = open.session
    let outcome: ForwardOutcome
    try {
      outcome = await exchange(proxied)
    } catch (error) {
      if (isSilence(error)) app.smartAvailability?.note(ehr, false)
      throw error
    }
    if (outcome === 'sent') app.smartAvailability?.note(ehr, true)
    reply.hijack()
    observer.observe({
      requestId: request.id,
      method: request.method,
      route: request.routeOptions.url ?? '',
      status: reply.raw.statusCode,
      milliseconds: Math.round(reply.elapsedTime),
      ehr,
      session: open.recordId.slice(0, 12) || undefined,
      ...(proxied.note && { detail: proxied.note }),
      aborted: outcome === 'broken off' || undefined,
    })
  }

  /** Sessions end elsewhere too: by a logout in another process, at the EHR, by their own limits. */
  async function cutEndedSessions(): Promise<void> {
    isLooking = true
    try {
      for (const { open, inUse } of running.sessions()) {
        const ending = await findEnding(open, inUse)
        if (ending) running.abort(open.session.id, ending)
      }
    } finally {
      isLooking = false
    }
  }

  async function findEnding(open: ProxiedSession, slide: boolean) {
    try {
      await access.look?.(open, slide)
      return undefined
    } catch (error) {
      if (!(error instanceof BrokerError)) throw error
      // A vault that is away says nothing about the session.
      return error.code === 'session_invalid' ? error : undefined
    }
  }
}

/** Sessions of ours, by the tickets that requests carry. */
function accessByTicket(
  app: FastifyInstance,
  { publicUrl, fhirAlias = 'scripts' }: ProxyOptions,
): SessionAccess<FastifyRequest> {
  const { smartGuard: guard, smartSessions: sessions, smartTickets: tickets, smartTokens } = app
  for (const [name, part] of Object.entries({ tickets, renewal: smartTokens })) {
    if (!part)
      throw new Error(`fhirstorm-proxy: options.token is missing, and so is fhirstorm-${name}`)
  }
  return {
    baseUrl: id => buildSessionBaseUrl(publicUrl, id),
    open: (request, id) => tickets.open(request, id ?? chooseOnly(request)),
    accessToken: open => smartTokens.accessToken(open as OpenSession),
    renew: open => smartTokens.renew(open as OpenSession),
    look: async (open, slide) => await sessions.open((open as OpenSession).ticket, { slide }),
  }

  // Never a default session where a second patient could appear.
  function chooseOnly(request: FastifyRequest): string {
    const ids = tickets.ids(request)
    const [only] = ids
    if (only === undefined) throw new BrokerError('session_invalid')
    if (ids.length > 1 || (fhirAlias === 'scripts' && !guard.isScript(request))) {
      const links = ids.map(id => ({
        url: buildSessionBaseUrl(publicUrl, id),
        rel: 'alternate' as const,
      }))
      throw new BrokerError('session_ambiguous', { links })
    }
    return only
  }
}

function isSilence(error: unknown): boolean {
  const code = error instanceof BrokerError ? error.code : undefined
  return code === 'upstream_unreachable' || code === 'upstream_timeout'
}

/** Our own answers get the headers of the proxy; one that comes before its request ended lingers. */
async function secureRefusal(request: FastifyRequest, reply: FastifyReply, payload: unknown) {
  for (let i = 0; i < securityHeaders.length; i += 2) {
    reply.header(securityHeaders[i] as string, securityHeaders[i + 1])
  }
  if (typeof payload !== 'string' || !hasBody(request.raw) || request.raw.complete) return payload
  reply.header('connection', 'close').header('content-length', Buffer.byteLength(payload))
  return Readable.from(lingering(payload, request.raw))
}

export default fp(proxy, {
  name: 'fhirstorm-proxy',
  fastify: '5.x',
  encapsulate: true,
})
