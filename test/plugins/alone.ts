// A bare Fastify for one plugin, with decorators that stand for what the plugin needs.

import fastify, { type FastifyInstance } from 'fastify'
import { BrokerError } from '../../src/errors.ts'
import { strictQuirks } from '../../src/smart/quirks.ts'
import type { Registration } from '../../src/smart/types.ts'

/** A registration as the configuration would make it. */
export function buildRegistration(overrides: Partial<Registration> = {}): Registration {
  return {
    id: 'general',
    name: 'General Hospital',
    iss: 'https://ehr.example.org/fhir/r4',
    clientId: 'app',
    clientAuth: { method: 'client_secret_basic', secret: 'registered secret' },
    scope: 'launch launch/patient openid fhirUser offline_access patient/*.rs',
    origins: ['https://ehr.example.org'],
    baseAliases: [],
    aud: 'iss',
    idToken: 'verify',
    requirePatient: false,
    issuers: [],
    redirectUri: 'https://app.example.org/redirect',
    embedded: false,
    rewrite: true,
    upstreamCompression: 'identity',
    extras: [],
    network: { reach: 'public' },
    quirks: strictQuirks,
    ...overrides,
  }
}

/** A bare app with the given decorators, whose refusals are told by their code alone. */
export function buildBareApp(decorators: Record<string, unknown> = {}): FastifyInstance {
  const app = fastify({ exposeHeadRoutes: false })
  for (const [name, value] of Object.entries(decorators)) app.decorate(name, value)
  app.setErrorHandler((error, _request, reply) => {
    if (!(error instanceof BrokerError)) throw error
    return reply.code(error.status).send({ code: error.code })
  })
  return app
}
