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
  type Found,
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

export interface DiscoveryOptions
  extends Omit<DiscoveryCacheOptions, 'discover' | 'now' | 'before'> {
  registrations: readonly Registration[]
  /** What an app before this one knew (`known`): serves until each EHR has been asked anew. */
  before?: readonly KnownServer[]
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
  /** What is known of each EHR, for an app that takes the place of this one. */
  known(): KnownServer[]
}

export interface KnownServer {
  registration: Registration
  found: Found
}

/** An EHR's discovery, and what was seen of its FHIR traffic where that is watched. */
export type EhrState = DiscoveryState & { traffic?: Seen }

async function discovery(app: FastifyInstance, options: DiscoveryOptions): Promise<void> {
  judgeOptions('discovery', options, { registrations: listWith('id', 'iss') })
  const { registrations, now = Date.now, resolveName, before = [], ...limits } = options
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
    before: keepValid(before, registrations),
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
    known: () =>
      registrations.flatMap(registration => {
        const found = cache.known(registration)
        return found ? [{ registration, found }] : []
      }),
  })
  observer.show('fhirstorm_protocol_calls_in_flight', () =>
    [...egresses].map(([ehr, egress]) => [ehr, egress.underWay()] as const),
  )
  app.addHook('onClose', async () => {
    await Promise.all([...egresses.values()].map(egress => egress.close()))
  })
}

/** Of what was known, that which was judged by what a registration still says. */
function keepValid(
  before: readonly KnownServer[],
  registrations: readonly Registration[],
): ReadonlyMap<string, Found> {
  const valid = before.filter(({ registration }) => {
    const now = registrations.find(({ id }) => id === registration.id)
    return now !== undefined && printJudged(now) === printJudged(registration)
  })
  return new Map(valid.map(({ registration, found }) => [registration.id, found]))
}

/** What discovery depends on. */
function printJudged(registration: Registration): string {
  const { iss, origins, issuers, scope, idToken, responseIss } = registration
  const { endSessionEndpoint, network, quirks } = registration
  const pins = [iss, origins, issuers, scope, idToken, responseIss]
  return JSON.stringify([...pins, endSessionEndpoint, network, quirks])
}

export default fp(discovery, { name: 'fhirstorm-discovery', fastify: '5.x' })
