// Capability: the headers that every answer of ours carries unless its route says otherwise. FHIR paths
// have their own list (src/proxy/inert.ts).

import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { buildSecurityHeaders, type SecurityHeadersRules } from '../src/browser/security-headers.ts'

export type SecurityHeadersOptions = SecurityHeadersRules

async function securityHeaders(
  app: FastifyInstance,
  options: SecurityHeadersOptions,
): Promise<void> {
  const headers = buildSecurityHeaders(options)

  app.addHook('onRequest', (request, reply, done) => {
    if (!request.routeOptions.config?.fhir) reply.headers(headers)
    done()
  })
}

export default fp(securityHeaders, { name: 'fhirstorm-security-headers', fastify: '5.x' })
