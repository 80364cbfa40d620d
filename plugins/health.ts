// Routes: /healthz says that the process answers, /readyz that the vault does. Nothing else is told
// to anybody, and any Host may ask (attacks AD1, AD2).

import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { BrokerError } from '../src/errors.ts'
import { aFunction, judgeOptions, optional, requireParts } from '../src/plugin-terms.ts'
import type {} from './pressure.ts'
import type {} from './vault.ts'

export interface HealthOptions {
  /** True once the process is about to end: then it is not ready, though it still answers. */
  isDraining?: () => boolean
}

async function health(app: FastifyInstance, options: HealthOptions): Promise<void> {
  requireParts(app, 'health', ['smartVault'])
  judgeOptions('health', options, { isDraining: optional(aFunction) })
  const route = { config: { anyHost: true, always: true }, exposeHeadRoute: true }

  app.get('/healthz', route, async (_request, reply) => {
    return reply.send({ status: 'ok' })
  })

  app.get('/readyz', route, async (_request, reply) => {
    if (options.isDraining?.()) throw new BrokerError('draining')
    await app.smartVault.ping()
    return reply.send({ status: 'ok' })
  })
}

export default fp(health, {
  name: 'fhirstorm-health',
  fastify: '5.x',
  encapsulate: true,
})
