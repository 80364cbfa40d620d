// Capability: who may call at all. Refuses other Hosts and absolute targets on every route, answers CORS pre-flights before
// anything else is looked at, and gives routes that use a ticket the same-origin guard.

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import {
  buildCorsHeaders,
  buildOwnHosts,
  buildPreflightHeaders,
  type CallerHeaders,
  isDownload,
  isOwnHost,
  isScript,
  readHost,
  verifyCaller,
} from '../src/browser/guard.ts'
import { cleanAddress } from '../src/clean-text.ts'
import { BrokerError } from '../src/errors.ts'
import { aPublicUrl, judgeOptions, listOfTexts, optional } from '../src/plugin-terms.ts'

declare module 'fastify' {
  interface FastifyInstance {
    smartGuard: Guard
  }

  interface FastifyContextConfig {
    /** Answers whatever the Host header says. */
    anyHost?: boolean
    /** There for the hook of the guard to answer, and told of to nobody. */
    preflight?: boolean
  }
}

/** What the guard looks at: a request of Fastify's, or one that a proxy tells of. */
export interface Caller {
  method: string
  raw: { headers: CallerHeaders }
}

export interface Guard {
  /**
   * Lets the request pass or throws; `embedded` where the session lives in a frame of the EHR, `downloads`
   * where the route itself judges those of our own pages.
   */
  check(request: Caller, how?: { embedded?: boolean; downloads?: boolean }): void
  /** Whether a page of our own has the answer saved. */
  isDownload(request: Caller): boolean
  /** Whether the caller is no browser. */
  isScript(request: Pick<Caller, 'raw'>): boolean
  /** CORS headers for a frontend at another origin, names and values in turn; else none. */
  corsHeaders(request: FastifyRequest): readonly string[]
}

export interface GuardOptions {
  /** Public URL without a trailing slash. */
  publicUrl: string
  /** Other origins whose pages may call; none unless told. */
  frontendOrigins?: readonly string[]
  /** Values of Host that are served besides those of these addresses, and trusted as no Origin. */
  hosts?: readonly string[]
  /** Headers that frontends at other origins may send besides the usual ones. */
  allowHeaders?: readonly string[]
}

async function guard(app: FastifyInstance, options: GuardOptions): Promise<void> {
  judgeOptions('guard', options, {
    publicUrl: aPublicUrl,
    frontendOrigins: optional(listOfTexts),
    hosts: optional(listOfTexts),
    allowHeaders: optional(listOfTexts),
  })
  const own = new URL(options.publicUrl).origin
  const { frontendOrigins = [] } = options
  const elsewhere = frontendOrigins.filter(origin => origin !== own)
  const cors = new Map(elsewhere.map(origin => [origin, buildCorsHeaders(origin)]))
  const further = (options.hosts ?? []).map(host => host.toLowerCase())
  const hosts = new Set([...buildOwnHosts([own, ...elsewhere]), ...further])
  const preflightHeaders = buildPreflightHeaders(options.allowHeaders ?? [])
  const origins = new Set([own, ...elsewhere])
  // Made once, for every request is judged by one of them.
  const ordinary = { origins, embedded: false }
  const embedded = { origins, embedded: true }
  const strict = { ordinary, embedded }
  const savable = {
    ordinary: { ...ordinary, downloads: true },
    embedded: { ...embedded, downloads: true },
  }
  app.decorate('smartGuard', {
    check(request, how) {
      const rules = how?.downloads ? savable : strict
      const { method, raw } = request
      verifyCaller(method, raw.headers, how?.embedded ? rules.embedded : rules.ordinary)
    },
    isDownload: ({ method, raw }) => isDownload(method, raw.headers),
    isScript: request => isScript(request.raw.headers),
    corsHeaders,
  })

  app.addHook('onRequest', (request, reply, done) => {
    const fault = judgeTarget(request)
    if (fault !== undefined) {
      done(fault)
      return
    }
    if (request.raw.headers.origin !== undefined) setHeaders(reply, corsHeaders(request))
    if (isPreflight(request)) answerPreflight(request, reply)
    else done()
  })

  function judgeTarget({ raw, routeOptions }: FastifyRequest): BrokerError | undefined {
    // An absolute target would name a host of its own (attacks P4).
    if (!raw.url?.startsWith('/')) return new BrokerError('bad_request')
    if (routeOptions.config?.anyHost) return undefined
    const host = readHost(raw.rawHeaders)
    if (host === undefined) return new BrokerError('bad_request', { detail: 'no single Host' })
    if (isOwnHost(host, hosts)) return undefined
    return new BrokerError('unknown_host', {
      detail: `Host: ${cleanAddress(host)}; served (publicUrl, frontend.origins, hosts): ${[...hosts].join(', ')}`,
    })
  }

  function corsHeaders(request: FastifyRequest): readonly string[] {
    return cors.get(request.raw.headers.origin ?? '') ?? NONE
  }

  function answerPreflight(request: FastifyRequest, reply: FastifyReply): void {
    reply.header('vary', 'Origin').header('cache-control', 'no-store')
    const isAllowed = cors.has(request.raw.headers.origin ?? '')
    if (isAllowed) reply.headers(preflightHeaders)
    reply.code(isAllowed ? 204 : 403).send()
  }
}

const NONE: readonly string[] = []

function isPreflight({ method, raw }: FastifyRequest): boolean {
  return method === 'OPTIONS' && raw.headers['access-control-request-method'] !== undefined
}

function setHeaders(reply: FastifyReply, headers: readonly string[]): void {
  for (let i = 0; i < headers.length; i += 2) {
    reply.header(headers[i] as string, headers[i + 1])
  }
  if (headers.length > 0) reply.header('vary', 'Origin')
}

export default fp(guard, { name: 'fhirstorm-guard', fastify: '5.x' })
