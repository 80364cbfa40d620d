// Capability: who may call at all. Refuses other Hosts on every route, answers CORS pre-flights, and
// gives routes that use a ticket the same-origin guard.

import type { FastifyInstance, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import {
  buildCorsHeaders,
  type Caller,
  isOwnHost,
  isScript,
  preflightHeaders,
  verifyCaller,
} from '../src/browser/guard.ts'
import { BrokerError } from '../src/errors.ts'

declare module 'fastify' {
  interface FastifyInstance {
    smartGuard: Guard
  }
}

export interface Guard {
  /** Lets the request pass or throws; `embedded` where the session lives in a frame of the EHR. */
  check(request: FastifyRequest, how?: { embedded: boolean }): void
  /** Whether the caller is no browser. */
  isScript(request: FastifyRequest): boolean
  /** CORS headers for a request from an allowed origin, else undefined. */
  corsHeaders(request: FastifyRequest): Record<string, string> | undefined
}

export interface GuardOptions {
  /** Public URL without a trailing slash. */
  publicUrl: string
  frontendOrigins: readonly string[]
}

async function guard(app: FastifyInstance, options: GuardOptions): Promise<void> {
  const own = new URL(options.publicUrl).origin
  const origins = new Set([own, ...options.frontendOrigins])
  const hosts = new Map<string, boolean>()

  app.decorate('smartGuard', {
    check: (request, { embedded } = { embedded: false }) =>
      verifyCaller(describeCaller(request), { origins, embedded }),
    isScript: request => isScript(describeCaller(request)),
    corsHeaders: request => corsFor(request.headers.origin),
  })

  app.addHook('onRequest', (request, reply, done) => {
    const { host } = request.raw.headers
    if (!request.routeOptions.config?.anyHost && !isOwn(host)) {
      done(new BrokerError('unknown_host'))
      return
    }
    const cors = request.headers.origin === undefined ? undefined : corsFor(request.headers.origin)
    if (cors) reply.headers(cors)
    if (request.method === 'OPTIONS' && request.headers['access-control-request-method']) {
      if (cors) reply.headers(preflightHeaders)
      reply.code(204).header('vary', 'Origin').send()
      return
    }
    done()
  })

  function isOwn(host: string | undefined): boolean {
    if (host === undefined) return false
    const known = hosts.get(host)
    if (known !== undefined) return known
    const owned = isOwnHost(host, options.publicUrl)
    if (hosts.size < 100) hosts.set(host, owned)
    return owned
  }

  // Our own origin needs no CORS; only a frontend elsewhere is told that it may read.
  function corsFor(origin: string | undefined) {
    return origin === own ? undefined : buildCorsHeaders(origin, origins)
  }
}

function describeCaller({ method, headers }: FastifyRequest): Caller {
  return {
    method,
    origin: headers.origin,
    site: one(headers['sec-fetch-site']),
    mode: one(headers['sec-fetch-mode']),
    dest: one(headers['sec-fetch-dest']),
    csrf: one(headers['x-csrf']),
    purpose: one(headers['sec-purpose']),
  }
}

function one(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value.join(', ') : value
}

export default fp(guard, { name: 'fhirstorm-guard', fastify: '5.x' })
