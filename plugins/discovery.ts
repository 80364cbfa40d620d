// Capability: how each registered EHR authorizes, by which keys it signs, and the guarded network to
// it. Adds `app.smartDiscovery`; the connections end with the application.

import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import type { JWTVerifyGetKey } from 'jose'
import { createEgress, type Egress } from '../src/network/egress.ts'
import type { ResolveName } from '../src/network/names.ts'
import { judgeOptions, listWith } from '../src/plugin-terms.ts'
import {
  createDiscoveryCache,
  type DiscoveryCacheOptions,
  type DiscoveryState,
} from '../src/smart/discovery/cache.ts'
import { discover } from '../src/smart/discovery/discovery.ts'
import { createKeySets } from '../src/smart/identity/jwks.ts'
import type { AuthorizationServer, ProtocolFetch, Registration } from '../src/smart/types.ts'

declare module 'fastify' {
  interface FastifyInstance {
    smartDiscovery: SmartDiscovery
  }
}

export interface DiscoveryOptions extends Omit<DiscoveryCacheOptions, 'discover' | 'now'> {
  registrations: readonly Registration[]
  /** Milliseconds since the epoch; the clock unless told. */
  now?: () => number
  /** Name resolution; the system's unless told. */
  resolveName?: ResolveName
}

export interface SmartDiscovery {
  /** The EHR's authorization server, from the cache where possible. */
  resolve(registration: Registration): Promise<AuthorizationServer>
  /** The guarded network for protocol calls to this EHR. */
  fetchFor(registration: Registration): ProtocolFetch
  /** The keys at the EHR's `jwks_uri`, for jose's `jwtVerify`. */
  keysFor(registration: Registration, jwksUri: string): JWTVerifyGetKey
  /** What is known of each EHR, for operators. */
  states(): DiscoveryState[]
}

async function discovery(
  app: FastifyInstance,
  { registrations, now = Date.now, resolveName, ...limits }: DiscoveryOptions,
): Promise<void> {
  judgeOptions('discovery', { registrations }, { registrations: listWith('id', 'iss') })
  const egresses = new Map<string, Egress>(
    registrations.map(registration => [
      registration.id,
      createEgress(registration, { resolveName }),
    ]),
  )
  const fetchFor = ({ id }: Registration): ProtocolFetch => {
    const egress = egresses.get(id)
    if (egress === undefined) throw new TypeError(`no EHR is registered as ${id}`)
    return egress.fetch
  }
  const cache = createDiscoveryCache({
    ...limits,
    now,
    discover: (registration, previous) =>
      discover(registration, { fetch: fetchFor(registration), now, previous }),
  })
  app.decorate('smartDiscovery', {
    resolve: cache.resolve,
    fetchFor,
    keysFor: createKeySets(registration => ({ fetch: fetchFor(registration), now })),
    states: () => registrations.map(cache.state),
  })
  app.addHook('onClose', async () => {
    await Promise.all([...egresses.values()].map(egress => egress.close()))
  })
}

export default fp(discovery, { name: 'fhirstorm-discovery', fastify: '5.x' })
