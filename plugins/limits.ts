// Capability: how often one address may begin or end a login. Only routes that ask for it are limited;
// an address is an IPv4 address or an IPv6 /64, from the configured proxies' chain (attacks DS2, DS6).

import rateLimit from '@fastify/rate-limit'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { BrokerError } from '../src/errors.ts'
import { groupAddress } from '../src/network/address.ts'

// With it hosts get the type of `config.rateLimit` of a route.
export type { RateLimitOptions } from '@fastify/rate-limit'

// Retry-After comes with our refusal; how much is left is nobody's business.
const NO_HEADERS = {
  'x-ratelimit-limit': false,
  'x-ratelimit-remaining': false,
  'x-ratelimit-reset': false,
  'retry-after': false,
}

async function limits(app: FastifyInstance): Promise<void> {
  await app.register(rateLimit, {
    global: false,
    cache: 20_000,
    addHeaders: NO_HEADERS,
    addHeadersOnExceeding: NO_HEADERS,
    keyGenerator: ({ ip }) => groupAddress(ip),
    errorResponseBuilder: (_request, { ttl }) =>
      new BrokerError('too_many_requests', { retryAfterSeconds: Math.ceil(ttl / 1000) }),
  })
}

export default fp(limits, { name: 'fhirstorm-limits', fastify: '5.x' })
