// Route: the public keys of this client for private_key_jwt, or those that sign for an app's own API. Anybody
// may read them, without a cookie; caches may hold them for a while (SMART: asymmetric client authentication).

import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { anObject, aPositiveNumber, aText, judgeOptions, optional } from '../src/plugin-terms.ts'

export interface JwksOptions {
  /** The public key set, without private members. */
  keySet: { keys: readonly object[] }
  /** `/.well-known/jwks.json` unless told. */
  path?: string
  /** Seconds that caches may hold it: shorter than the overlap of a rotation. */
  maxAgeSeconds?: number
}

async function jwks(app: FastifyInstance, options: JwksOptions): Promise<void> {
  judgeOptions('jwks', options, {
    keySet: anObject,
    path: optional(aText),
    maxAgeSeconds: optional(aPositiveNumber),
  })
  const body = JSON.stringify(options.keySet)
  const cacheControl = `public, max-age=${options.maxAgeSeconds ?? 300}`

  app.get(options.path ?? '/.well-known/jwks.json', async (_request, reply) => {
    return (
      reply
        .header('cache-control', cacheControl)
        .header('access-control-allow-origin', '*')
        // Some servers take nothing else, and a key set is JSON.
        .type('application/json')
        .send(body)
    )
  })
}

export default fp(jwks, { name: 'fhirstorm-jwks', fastify: '5.x', encapsulate: true })
