// Capability: the headers that every answer of ours carries unless its route says otherwise. Nothing is
// cached, sniffed, framed or told to other sites. FHIR paths have their own list (src/proxy/inert.ts).

import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'

export interface SecurityHeadersOptions {
  /** Origins of EHRs that show the app in a frame. */
  frameAncestors: readonly string[]
  /** True behind https: adds HSTS. */
  secure: boolean
}

async function securityHeaders(
  app: FastifyInstance,
  { frameAncestors, secure }: SecurityHeadersOptions,
): Promise<void> {
  const isFramed = frameAncestors.length > 0
  const headers = {
    'cache-control': 'no-store',
    'content-security-policy': `default-src 'none'; frame-ancestors ${isFramed ? frameAncestors.join(' ') : "'none'"}`,
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    ...(isFramed ? {} : { 'x-frame-options': 'DENY' }),
    ...(secure ? { 'strict-transport-security': 'max-age=31536000; includeSubDomains' } : {}),
  }

  app.addHook('onRequest', (request, reply, done) => {
    if (!request.routeOptions.config?.fhir) reply.headers(headers)
    done()
  })
}

export default fp(securityHeaders, { name: 'fhirstorm-security-headers', fastify: '5.x' })
