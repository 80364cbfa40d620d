// Capability: how each registered EHR authorizes, by which keys it signs, and the guarded network to
// it. Adds `app.smartDiscovery`; the connections end with the application.

import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import type { JWTVerifyGetKey } from 'jose'
import type { Seen } from '../src/exchange/availability.ts'
import { createEgress, type Egress } from '../src/network/egress.ts'
import type { ResolveName } from '../src/network/names.ts'
import { observeFetch } from '../src/network/observed.ts'
import { type CallKind, observerOf } from '../src/observer.ts'
import { judgeOptions, listWith } from '../src/plugin-terms.ts'
import {
  createDiscoveryCache,
  type DiscoveryCacheOptions,
  type DiscoveryState,
} from '../src/smart/discovery/cache.ts'
import { discover } from '../src/smart/discovery/discovery.ts'
import { createKeySets } from '../src/smart/identity/jwks.ts'
import type { AuthorizationServer, ProtocolFetch, Registration } from '../src/smart/types.ts'
import type {} from './session-events.ts'

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
  fetchFor(registration: Registration, kind?: CallKind): ProtocolFetch
  /** The keys at the EHR's `jwks_uri`, for jose's `jwtVerify`. */
  keysFor(registration: Registration, jwksUri: string): JWTVerifyGetKey
  /** What is known of each EHR, for operators. */
  states(): EhrState[]
}

/** An EHR's discovery, and what was seen of its FHIR traffic where that is watched. */
export type EhrState = DiscoveryState & { traffic?: Seen }

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
  const observer = observerOf(app)
  const fetchFor = ({ id }: Registration, kind: CallKind = 'discovery'): ProtocolFetch => {
    const egress = egresses.get(id)
    if (egress === undefined) throw new TypeError(`no EHR is registered as ${id}`)
    return observeFetch(egress.fetch, method => observer.beginCall({ ehr: id, kind, method }))
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
    keysFor: createKeySets(registration => ({ fetch: fetchFor(registration, 'keys'), now })),
    states: () =>
      registrations.map(registration => ({
        ...cache.state(registration),
        traffic: app.smartAvailability?.seen(registration.id),
      })),
  })
  observer.show('fhirstorm_protocol_calls_in_flight', () =>
    [...egresses].map(([ehr, egress]) => [ehr, egress.underWay()] as const),
  )
  app.addHook('onClose', async () => {
    await Promise.all([...egresses.values()].map(egress => egress.close()))
  })
}

export default fp(discovery, { name: 'fhirstorm-discovery', fastify: '5.x' })
