// Routes: FHIR through the proxy. Everything that may refuse comes first: guard, target, session, body,
// token. Then one request carries the bearer to the FHIR base, and the answer streams back.

import { Readable } from 'node:stream'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { noteAbout, pseudonymOf } from '../src/about.ts'
import { readCaller } from '../src/caller.ts'
import { BrokerError } from '../src/errors.ts'
import {
  accessByHost,
  accessByTicket,
  type HostToken,
  type SessionAccess,
} from '../src/exchange/access.ts'
import { createAdmission } from '../src/exchange/admission.ts'
import { createEndingWatch } from '../src/exchange/ending-watch.ts'
import { createExchange } from '../src/exchange/exchange.ts'
import type { ForwardOutcome } from '../src/exchange/forward.ts'
import type { ProxiedRequest } from '../src/exchange/proxied-request.ts'
import { isWhole } from '../src/exchange/request-body.ts'
import { createRunning } from '../src/exchange/running.ts'
import { createShares } from '../src/exchange/shares.ts'
import { lingering } from '../src/exchange/upload.ts'
import { createUpstreams } from '../src/exchange/upstream.ts'
import { buildFacadeUrl, readSessionName } from '../src/facade/client.ts'
import { defaultProxyLimits, type ProxyLimits } from '../src/limits.ts'
import { tellId } from '../src/network/request-id.ts'
import { observerOf } from '../src/observer.ts'
import {
  aBoolean,
  aFunction,
  aPublicUrl,
  judgeOptions,
  listWith,
  oneOf,
  optional,
  requireParts,
} from '../src/plugin-terms.ts'
import { writeBodyType } from '../src/proxy/headers.ts'
import { secureOwnAnswer } from '../src/proxy/inert.ts'
import { buildOwnAddress } from '../src/proxy/own-address.ts'
import { isBinary, parseTarget, type Target } from '../src/proxy/target.ts'
import type { ProxiedEhr } from '../src/smart/types.ts'
import type {} from './audit.ts'
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
  /** Serves FHIR below /smart/EHR-ID for existing apps, which name their session as a bearer. */
  facade?: boolean
  /** Gives the tokens where the host keeps the sessions; tickets and renewal are not needed then. */
  token?: HostToken<FastifyRequest>
}

type Params = Readonly<Record<string, string>>

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']
const TICK_MS = 250

async function proxy(app: FastifyInstance, options: ProxyOptions): Promise<void> {
  requireParts(app, 'proxy', ['smartGuard'])
  judgeOptions('proxy', options, {
    registrations: listWith('id', 'iss'),
    publicUrl: aPublicUrl,
    fhirAlias: optional(oneOf('scripts', 'always')),
    facade: optional(aBoolean),
    token: optional(aFunction),
  })
  const { smartGuard: guard } = app
  const observer = observerOf(app)
  const access = options.token ? accessByHost(options.token, options) : findOwnAccess(app, options)
  const limits = { ...defaultProxyLimits, ...options.limits }
  // A clock that nobody sets: requests under way must not be cut when the time of day jumps.
  const running = createRunning(() => performance.now())
  const admission = createAdmission({
    ...{ ...limits, now: () => performance.now() },
    tell: (...told) => app.smartAvailability?.note(...told),
  })
  const upstreams = createUpstreams(options.registrations, limits)
  const exchange = createExchange({
    ...{ running, limits, tokens: access, beginCall: observer.beginCall },
    ownAddress: buildOwnAddress(options.publicUrl, options.facade),
    sharesOf: createShares({
      ...{ requests: limits.inFlight, events: limits.events, bytes: limits.heldBytes },
    }),
  })

  observer.show('fhirstorm_requests_in_flight', () => running.count(false))
  observer.show('fhirstorm_event_streams', () => running.count(true))
  observer.show('fhirstorm_connections', () => upstreams.count('connected'))
  observer.show('fhirstorm_requests_waiting', () => upstreams.count('pending'))

  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', (_request, _payload, done) => done(null))
  app.addHook('onRequest', (request, _reply, done) => {
    guard.check(request, { downloads: true })
    writeBodyType(request.raw.headers)
    done(request.raw.headers.upgrade ? new BrokerError('upgrade_refused') : undefined)
  })
  app.addHook('onSend', secureRefusal)

  const timer = setInterval(running.tick, TICK_MS)
  const cutEnded = createEndingWatch(running, access)
  const watch = setInterval(() => void cutEnded().catch(observer.noteFault), 2 * TICK_MS)
  app.addHook('onClose', async () => {
    clearInterval(timer)
    clearInterval(watch)
    await upstreams.close()
  })

  serve('/sessions/:id/fhir', ({ id = '' }) => ({ id, mount: `/sessions/${id}/fhir` }))
  serve('/fhir', () => ({ mount: '/fhir' }))
  if (options.facade) {
    serve('/smart/:ehr', ({ ehr = '' }, { raw }) => {
      return { id: readSessionName(raw.headers.authorization), facade: ehr, mount: `/smart/${ehr}` }
    })
  }

  function serve(base: string, name: (params: Params, request: FastifyRequest) => Named): void {
    for (const url of [base, `${base}/*`]) {
      app.route({
        ...{ method: METHODS, url, config: { fhir: true } },
        handler(request: FastifyRequest<{ Params: Params }>, reply) {
          const named = name(request.params, request)
          return pass(
            request,
            reply,
            named,
            parseTarget(request.raw.url ?? '', app.prefix + named.mount),
          )
        },
      })
    }
  }

  async function pass(
    request: FastifyRequest,
    reply: FastifyReply,
    { id, facade }: Named,
    target: Target,
  ): Promise<void> {
    const isSaved = guard.isDownload(request)
    if (isSaved && !isBinary(target)) throw new BrokerError('navigation_refused')
    const opening = access.open(request, id)
    const open = opening instanceof Promise ? await opening : opening
    if (options.token) noteAbout(request, open.session)
    if (facade !== undefined && facade !== open.session.ehr) {
      throw new BrokerError('session_invalid')
    }
    const upstream = upstreams.of(open)
    if (upstream.registration.embedded) guard.check(request, { embedded: true, downloads: true })
    const proxied: ProxiedRequest = {
      request: request.raw,
      response: reply.raw,
      method: request.method,
      target,
      isSaved,
      traces: [],
      open,
      upstream,
      byAlias: id === undefined,
      byFacade: facade,
      ours:
        facade === undefined
          ? access.baseUrl(open.session.id)
          : buildFacadeUrl(options.publicUrl, facade),
      ownHeaders: [...guard.corsHeaders(request), 'x-request-id', tellId(request.id)],
    }
    const record = app.smartAudit?.begin(request, proxied)
    proxied.record = record
    const { ehr } = open.session
    const since = admission.admit(open.session)
    let outcome: ForwardOutcome
    try {
      outcome = await exchange(proxied)
    } catch (error) {
      record?.failed(error)
      admission.noteRefusal(ehr, since, error, isWhole(request.raw))
      throw error
    }
    admission.noteEnd(ehr, since, outcome === 'sent')
    if (outcome !== 'sent') record?.left()
    reply.hijack()
    observer.observe({
      requestId: request.id,
      method: request.method,
      route: request.routeOptions.url ?? '',
      status: reply.raw.statusCode,
      milliseconds: Math.round(reply.elapsedTime),
      ehr,
      session: pseudonymOf(open.recordId),
      ...readCaller(request.raw.headers),
      ...(proxied.note && { detail: proxied.note }),
      aborted: outcome === 'broken off' || undefined,
    })
  }
}

/** How a request names its session: by the path, by the façade's bearer, or not at all. */
interface Named {
  /** Our path of its FHIR base. */
  mount: string
  id?: string
  /** Registration id in the path of the façade. */
  facade?: string
}

/** Sessions of ours, by the tickets that requests carry. */
function findOwnAccess(
  app: FastifyInstance,
  { publicUrl, fhirAlias = 'scripts' }: ProxyOptions,
): SessionAccess<FastifyRequest> {
  const { smartGuard, smartSessions: sessions, smartTickets: tickets, smartTokens: tokens } = app
  for (const [name, part] of Object.entries({ tickets, renewal: tokens })) {
    if (!part)
      throw new Error(`fhirstorm-proxy: options.token is missing, and so is fhirstorm-${name}`)
  }
  const mayUseAlias = (request: FastifyRequest) =>
    fhirAlias === 'always' || smartGuard.isScript(request)
  return accessByTicket({ tickets, sessions, tokens, mayUseAlias }, publicUrl)
}

/** Our own answers get the headers of the proxy; one that comes before its request ended lingers. */
async function secureRefusal(request: FastifyRequest, reply: FastifyReply, payload: unknown) {
  for (const [name, value] of secureOwnAnswer(reply.getHeader('content-type'))) {
    reply.header(name, value)
  }
  if (typeof payload !== 'string' || isWhole(request.raw)) return payload
  reply.header('connection', 'close').header('content-length', Buffer.byteLength(payload))
  return Readable.from(lingering(payload, request.raw))
}

export default fp(proxy, { name: 'fhirstorm-proxy', fastify: '5.x', encapsulate: true })
