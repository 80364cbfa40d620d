// Routes: what the SMART server that an existing app is shown says of itself: smart-configuration, the keys of
// its id_tokens, and for old apps the EHR's own CapabilityStatement with our endpoints in it.

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { BrokerError } from '../src/errors.ts'
import { buildFacadeUrl } from '../src/facade/client.ts'
import { buildSmartConfiguration } from '../src/facade/documents.ts'
import { createStatements } from '../src/facade/statements.ts'
import { aPublicUrl, judgeOptions, listWith, requireParts } from '../src/plugin-terms.ts'
import { buildSigningKeySet, type SigningKey } from '../src/signing-keys.ts'
import type { Registration } from '../src/smart/types.ts'
import type {} from './discovery.ts'

export interface FacadeDocumentsOptions {
  registrations: readonly Registration[]
  /** Public URL without a trailing slash. */
  publicUrl: string
  /** The keys that sign id_tokens, as the plugin `facade` has them. */
  signingKeys: readonly SigningKey[]
  /** Milliseconds since the epoch; the clock unless told. */
  now?: () => number
  /** For @fastify/rate-limit, where the app has it. */
  rateLimit?: { max: number; timeWindow: number }
}

interface Asked {
  Params: { ehr: string }
}

async function facadeDocuments(
  app: FastifyInstance,
  options: FacadeDocumentsOptions,
): Promise<void> {
  requireParts(app, 'facade-documents', ['smartDiscovery'])
  judgeOptions('facade-documents', options, {
    registrations: listWith('id', 'iss'),
    publicUrl: aPublicUrl,
    signingKeys: listWith('kid'),
  })
  const { publicUrl, signingKeys, now = Date.now, rateLimit } = options
  const config = { rateLimit }
  const { smartDiscovery: discovery } = app
  const registrations = new Map(options.registrations.map(entry => [entry.id, entry]))
  const keySet = buildSigningKeySet(signingKeys)
  const facadeUrlOf = ({ id }: Registration) => buildFacadeUrl(publicUrl, id)
  const readStatement = createStatements({
    ...{ fetchFor: discovery.fetchFor, facadeUrlOf, now, steady: () => performance.now() },
  })

  app.get(
    '/smart/:ehr/.well-known/smart-configuration',
    { config },
    async (request: FastifyRequest<Asked>, reply) => {
      const registration = find(request)
      // What the app needs is ours: that the EHR is away its user is told by the login, on a page.
      const server = await discovery.resolve(registration).catch(error => {
        if (error instanceof BrokerError) return undefined
        throw error
      })
      const document = buildSmartConfiguration(facadeUrlOf(registration), server)
      return send(reply, 'application/json', JSON.stringify(document))
    },
  )

  app.get('/smart/:ehr/.well-known/jwks.json', async (request: FastifyRequest<Asked>, reply) => {
    find(request)
    return send(reply, 'application/json', JSON.stringify(keySet))
  })

  app.get('/smart/:ehr/metadata', { config }, async (request: FastifyRequest<Asked>, reply) => {
    return send(reply, 'application/fhir+json', await readStatement(find(request)))
  })

  function find({ params }: FastifyRequest<Asked>): Registration {
    const registration = registrations.get(params.ehr)
    if (registration === undefined) throw new BrokerError('unknown_ehr')
    return registration
  }
}

function send(reply: FastifyReply, type: string, text: string): FastifyReply {
  return reply.header('cache-control', 'no-store').type(`${type}; charset=utf-8`).send(text)
}

export default fp(facadeDocuments, {
  name: 'fhirstorm-facade-documents',
  fastify: '5.x',
  encapsulate: true,
})
