// Discovery results kept per registration: fresh for an hour, then refreshed behind the back of the
// launches that use them, and served while the EHR is down, up to a day. One discovery at a time per
// EHR, its waiters bounded; failures are kept briefly and never replace a good result (attacks L15,
// L16). The time is passed in; no timers.

import { BrokerError } from '../../errors.ts'
import type { AuthorizationServer, Registration } from '../types.ts'
import type { Discovery } from './discovery.ts'

export interface DiscoveryCacheOptions {
  /** Milliseconds since the epoch. */
  now: () => number
  /** Runs one discovery, with the earlier result where there is one. */
  discover: (registration: Registration, previous: Discovery | undefined) => Promise<Discovery>
  /** Used without asking again; one hour unless told. */
  freshMs?: number
  /** Beyond that, used while a refresh runs in the background; one hour more unless told. */
  revalidateMs?: number
  /** Used at most this long, when no refresh succeeds; a day unless told. */
  staleMs?: number
  /** How long a failure is answered without asking again, at most 30 s; 30 s unless told. */
  failureMs?: number
  /** Launches that may wait for one discovery; 1000 unless told. */
  maxWaiters?: number
}

/** One EHR's discovery, for operators: configuration knowledge and fixed words only. */
export interface DiscoveryState {
  ehr: string
  state: 'unknown' | 'fresh' | 'stale' | 'failing'
  /** When the result in use was last confirmed. */
  discoveredAt?: number
  server?: AuthorizationServer
  failure?: { code: string; detail?: string; at: number }
}

export interface DiscoveryCache {
  /** The registration's authorization server; rejects as `discover` does, or with `issuer_busy`. */
  resolve(registration: Registration): Promise<AuthorizationServer>
  state(registration: Registration): DiscoveryState
}

interface Entry {
  good?: { discovery: Discovery; at: number }
  failure?: { error: unknown; at: number }
  flight?: Promise<Discovery>
  waiters: number
}

/** Keeps discovery results in this process, by registration id. */
export function createDiscoveryCache({
  now,
  discover,
  freshMs = 3_600_000,
  revalidateMs = 3_600_000,
  staleMs = 86_400_000,
  failureMs = 30_000,
  maxWaiters = 1000,
}: DiscoveryCacheOptions): DiscoveryCache {
  const entries = new Map<string, Entry>()

  function entryOf({ id }: Registration): Entry {
    const entry = entries.get(id) ?? { waiters: 0 }
    entries.set(id, entry)
    return entry
  }

  /** Joins the discovery under way, or starts one. */
  function fly(registration: Registration, entry: Entry): Promise<Discovery> {
    entry.flight ??= discover(registration, entry.good?.discovery)
      .then(discovery => {
        entry.good = { discovery, at: now() }
        entry.failure = undefined
        return discovery
      })
      .catch(error => {
        entry.failure = { error, at: now() }
        throw error
      })
      .finally(() => {
        entry.flight = undefined
      })
    return entry.flight
  }

  async function wait(registration: Registration, entry: Entry): Promise<Discovery> {
    if (entry.waiters >= maxWaiters) {
      throw new BrokerError('issuer_busy', { ehr: registration.id, detail: 'discovery is awaited' })
    }
    entry.waiters++
    try {
      return await fly(registration, entry)
    } finally {
      entry.waiters--
    }
  }

  async function resolve(registration: Registration): Promise<AuthorizationServer> {
    const entry = entryOf(registration)
    const { good, failure } = entry
    const age = good === undefined ? Number.POSITIVE_INFINITY : now() - good.at
    if (good !== undefined && age < freshMs) return good.discovery.server
    const resting = failure !== undefined && now() - failure.at < failureMs
    const usable = good !== undefined && age < staleMs ? good.discovery.server : undefined
    if (resting) {
      if (usable !== undefined) return usable
      throw failure.error
    }
    if (usable !== undefined && age < freshMs + revalidateMs) {
      // Its failure is kept in the entry; nobody waits for it.
      fly(registration, entry).catch(() => {})
      return usable
    }
    try {
      return (await wait(registration, entry)).server
    } catch (error) {
      if (usable !== undefined) return usable
      throw error
    }
  }

  function state(registration: Registration): DiscoveryState {
    const { good, failure } = entries.get(registration.id) ?? {}
    const fresh = good !== undefined && now() - good.at < freshMs
    const known = good === undefined ? 'unknown' : fresh ? 'fresh' : 'stale'
    return {
      ehr: registration.id,
      state: failure === undefined ? known : 'failing',
      discoveredAt: good?.at,
      server: good?.discovery.server,
      failure: failure && describe(failure),
    }
  }

  return { resolve, state }
}

function describe({ error, at }: { error: unknown; at: number }): DiscoveryState['failure'] {
  if (!(error instanceof BrokerError)) return { code: 'internal', at }
  return { code: error.code, detail: error.detail, at }
}
