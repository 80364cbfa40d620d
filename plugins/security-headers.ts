// Capability: the headers that every answer of ours carries unless its route says otherwise. FHIR paths
// have their own list (src/proxy/inert.ts).

import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { buildSecurityHeaders } from '../src/browser/security-headers.ts'
import { judgeOptions } from '../src/plugin-terms.ts'

export interface SecurityHeadersOptions {
  /** Origins of EHRs that show the app in a frame; none unless told. */
  frameAncestors?: readonly string[]
  /** False only for plain http on loopback; true, which adds HSTS, unless told. */
  secure?: boolean
  /** Whether HSTS is for the host's subdomains too; false unless told. */
  hstsIncludeSubDomains?: boolean
  /** Whether windows and those that opened them go on knowing each other; false unless told. */
  keepOpener?: boolean
}

async function securityHeaders(
  app: FastifyInstance,
  options: SecurityHeadersOptions,
): Promise<void> {
  judgeOptions('security-headers', options, {})
  const { frameAncestors = [], secure = true, hstsIncludeSubDomains, keepOpener } = options
  const headers = buildSecurityHeaders({
    ...{ frameAncestors, secure, hstsIncludeSubDomains, keepOpener },
  })

  app.addHook('onRequest', (request, reply, done) => {
    if (!request.routeOptions.config?.fhir) reply.headers(headers)
    done()
  })
}

export default fp(securityHeaders, { name: 'fhirstorm-security-headers', fastify: '5.x' })
