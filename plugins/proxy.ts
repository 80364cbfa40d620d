// Routes: FHIR through the proxy. Everything that may refuse comes first: guard, target, session,
// token, headers. Then one upstream request carries the session's bearer, to its own FHIR base alone,
// and the answer streams back.

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import type { Pool } from 'undici'
import { BrokerError } from '../src/errors.ts'
import { createPool } from '../src/http/connect.ts'
import { type AnswerPolicy, type ForwardLimits, forward, readBody } from '../src/http/forward.ts'
import { buildRequestHeaders, isBearerToken, selectResponseHeaders } from '../src/proxy/headers.ts'
import { buildContentHeaders, SECURITY_HEADERS } from '../src/proxy/inert.ts'
import { buildUpstreamTarget, parseUpstreamBase, type UpstreamBase } from '../src/proxy/target.ts'
import { buildSessionBaseUrl } from '../src/session/document.ts'
import type { OpenSession } from '../src/session/session.ts'
import type { Registration } from '../src/smart/types.ts'
import type {} from './errors.ts'
import type {} from './guard.ts'
import type {} from './metrics.ts'
import type {} from './tickets.ts'
import type {} from './token.ts'

export interface ProxyOptions {
  registrations: ReadonlyMap<string, Registration>
  /** Public URL without a trailing slash. */
  publicUrl: string
  /** `always` lets browsers use /fhir too: for portals where one browser has one patient. */
  fhirAlias: 'scripts' | 'always'
  limits?: Partial<ProxyLimits>
}

export interface ProxyLimits extends ForwardLimits {
  /** Largest request body. */
  maxBodyBytes: number
  /** Longest pause within a request body. */
  bodyIdleMs: number
  /** Requests in flight to one EHR; one more is refused. */
  inFlight: number
  connections: number
  headersMs: number
  answerIdleMs: number
}

const DEFAULT_LIMITS: ProxyLimits = {
  maxBodyBytes: 1024 ** 3,
  bodyIdleMs: 15_000,
  inFlight: 512,
  connections: 64,
  headersMs: 60_000,
  answerIdleMs: 30_000,
  stallMs: 30_000,
  totalMs: 3_600_000,
}

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']
const BODY_METHODS = new Set(['POST', 'PUT', 'PATCH'])

/** One EHR's FHIR server: where it lies, its connections, and how busy they are. */
interface Upstream {
  registration: Registration
  base: UpstreamBase
  pool: Pool
  inFlight: number
}

interface Asked {
  Params: { id?: string }
}

async function proxy(app: FastifyInstance, options: ProxyOptions): Promise<void> {
  const limits = { ...DEFAULT_LIMITS, ...options.limits }
  const { smartGuard: guard, smartTickets: tickets, smartToken: token } = app
  const upstreams = new Map<string, Upstream>()
  const publicPath = new URL(options.publicUrl).pathname.replace(/\/$/, '')
  const config = { fhir: true }

  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', (_request, _payload, done) => done(null))
  app.addHook('onRequest', async request => guard.check(request))
  app.addHook('onClose', async () => {
    await Promise.all([...upstreams.values()].map(({ pool }) => pool.destroy()))
  })

  for (const path of ['/sessions/:id/fhir', '/sessions/:id/fhir/*']) {
    app.route({
      method: METHODS,
      url: path,
      config,
      async handler(request: FastifyRequest<Asked>, reply) {
        const id = request.params.id ?? ''
        await pass(request, reply, id, `${publicPath}/sessions/${id}/fhir`)
      },
    })
  }

  for (const path of ['/fhir', '/fhir/*']) {
    app.route({
      method: METHODS,
      url: path,
      config,
      async handler(request, reply) {
        await pass(request, reply, chooseOnly(request), `${publicPath}/fhir`)
      },
    })
  }

  // Never a default session where a second patient could appear.
  function chooseOnly(request: FastifyRequest): string {
    const ids = tickets.ids(request)
    const [only] = ids
    if (only === undefined) throw new BrokerError('session_invalid')
    if (ids.length > 1 || (options.fhirAlias === 'scripts' && !guard.isScript(request))) {
      const bases = ids.map(id => buildSessionBaseUrl(options.publicUrl, id))
      throw new BrokerError('session_ambiguous', { alternatives: bases })
    }
    return only
  }

  async function pass(
    request: FastifyRequest,
    reply: FastifyReply,
    id: string,
    prefix: string,
  ): Promise<void> {
    const open = await tickets.open(request, id)
    const upstream = upstreamOf(open)
    if (upstream.registration.embedded) guard.check(request, { embedded: true })
    const target = buildUpstreamTarget(request.raw.url ?? '', prefix, upstream.base)
    if (upstream.inFlight >= limits.inFlight) {
      throw new BrokerError('too_many_in_flight', { ehr: open.session.ehr, retryAfterSeconds: 1 })
    }
    upstream.inFlight++
    try {
      await send(request, reply, { open, upstream, target })
    } finally {
      upstream.inFlight--
    }
  }

  async function send(
    request: FastifyRequest,
    reply: FastifyReply,
    { open, upstream, target }: { open: OpenSession; upstream: Upstream; target: Target },
  ): Promise<void> {
    const canReplay = !BODY_METHODS.has(request.method) && request.method !== 'DELETE'
    const bearer = await token.accessToken(open)
    const first = await attempt(bearer, canReplay)
    if (first !== 'held back') return
    const renewed = await token.renew(open)
    await attempt(renewed, false)

    async function attempt(accessToken: string, holdsBack: boolean) {
      if (!isBearerToken(accessToken)) throw new BrokerError('bad_token_response')
      const { done } = forward(
        upstream.pool,
        {
          ...target,
          method: request.method,
          headers: buildRequestHeaders(request.raw.rawHeaders, `Bearer ${accessToken}`, undefined),
          body: hasBody(request)
            ? readBody(request.raw, { maxBytes: limits.maxBodyBytes, idleMs: limits.bodyIdleMs })
            : undefined,
        },
        reply.raw,
        { policy: buildPolicy(reply, holdsBack), limits, begin: () => reply.hijack() },
      )
      return await done
    }
  }

  function buildPolicy(reply: FastifyReply, holdsBack: boolean): AnswerPolicy {
    return {
      holdsBack: status => holdsBack && status === 401,
      buildHead(status, rawHeaders) {
        const answered = selectResponseHeaders(rawHeaders)
        const contentType = answered.get('content-type')
        answered.delete('content-type')
        const headers = [...SECURITY_HEADERS, ...buildContentHeaders(contentType)]
        for (const [name, value] of answered) headers.push(name, value)
        for (const [name, value] of Object.entries(reply.getHeaders())) {
          if (name !== 'vary') headers.push(name, String(value))
        }
        return { status, headers }
      },
    }
  }

  function upstreamOf({ session }: OpenSession): Upstream {
    const known = upstreams.get(session.ehr)
    if (known) return known
    const registration = options.registrations.get(session.ehr)
    if (!registration) throw new BrokerError('session_invalid')
    const base = parseUpstreamBase(registration.iss)
    const pool = createPool(base.origin, registration, {
      connections: limits.connections,
      headersTimeout: limits.headersMs,
      bodyTimeout: limits.answerIdleMs,
    })
    const upstream = { registration, base, pool, inFlight: 0 }
    upstreams.set(session.ehr, upstream)
    return upstream
  }
}

type Target = ReturnType<typeof buildUpstreamTarget>

function hasBody({ method, headers }: FastifyRequest): boolean {
  const sendsBody = headers['content-length'] !== undefined || 'transfer-encoding' in headers
  return BODY_METHODS.has(method) && sendsBody
}

export default fp(proxy, {
  name: 'fhirstorm-proxy',
  fastify: '5.x',
  encapsulate: true,
  decorators: { fastify: ['smartGuard', 'smartTickets', 'smartToken'] },
})
