// Routes: the contract, openapi.yaml, and a plain page that shows it. Off unless configured.

import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { buildContractPage, type ContractDocument } from '../src/browser/contract-page.ts'

export interface ContractOptions {
  /** Text of openapi.yaml, and the same parsed; without it there are no routes. */
  published?: { text: string; document: ContractDocument }
}

async function contract(app: FastifyInstance, options: ContractOptions): Promise<void> {
  if (!options.published) return
  const { text, document } = options.published
  const page = buildContractPage(document)
  const config = { page: true }

  app.get('/openapi.yaml', async (_request, reply) => {
    return reply.type('application/yaml; charset=utf-8').send(text)
  })

  app.get('/docs', { config }, async (_request, reply) => {
    return reply
      .header('content-security-policy', page.contentSecurityPolicy)
      .type('text/html; charset=utf-8')
      .send(page.html)
  })
}

export default fp(contract, { name: 'fhirstorm-contract', fastify: '5.x', encapsulate: true })
