// Discovery results kept per registration: fresh for an hour, then refreshed behind the back of the
// launches that use them, and served while the EHR is down, up to a day. One discovery at a time per
// EHR, its waiters bounded; failures are kept briefly and never replace a good result (attacks L15,
// L16). The time is passed in; no timers.

import { BrokerError } from '../../errors.ts'
import { chooseRest } from '../rest.ts'
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
  /** Longest rest after a failure, in which it is answered without asking again; 30 s unless told. */
  failureMs?: number
  /** Between 0 and 1, for jitter. */
  random?: () => number
  /** Launches that may wait for one discovery; 1000 unless told. */
  maxWaiters?: number
  /** What a cache before this one knew: serves until the EHR has been asked anew. */
  before?: ReadonlyMap<string, Found>
}

/** A result, and when it was confirmed. */
export interface Found {
  discovery: Discovery
  at: number
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
  /** The last good result, for the cache after this one. */
  known(registration: Registration): Found | undefined
}

/** How long a result is used without asking again when a better document may only be away. */
const PROVISIONAL_MS = 10_000

interface Failure {
  error: unknown
  at: number
  /** Until then the EHR is left in peace. */
  restsUntil: number
  /** In a row, this one included. */
  count: number
}

interface Entry {
  good?: Found & { isOfBefore?: boolean }
  failure?: Failure
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
  random = Math.random,
  maxWaiters = 1000,
  before,
}: DiscoveryCacheOptions): DiscoveryCache {
  const entries = new Map<string, Entry>()

  function entryOf({ id }: Registration): Entry {
    const known = entries.get(id)
    if (known) return known
    const found = before?.get(id)
    const entry: Entry = { waiters: 0, good: found && { ...found, isOfBefore: true } }
    entries.set(id, entry)
    return entry
  }

  /** Joins the discovery under way, or starts one. */
  function fly(registration: Registration, entry: Entry): Promise<Discovery> {
    const { good } = entry
    const isUsable = good !== undefined && ageOf(good) < staleMs
    entry.flight ??= discover(registration, isUsable ? good.discovery : undefined)
      .then(discovery => {
        const found = { discovery, at: now() }
        entry.good = found
        entry.failure = undefined
        discovery.completed?.then(server => {
          found.discovery = { ...discovery, server }
        })
        return discovery
      })
      .catch(error => {
        entry.failure = noteFailure(error, entry.failure)
        throw error
      })
      .finally(() => {
        entry.flight = undefined
      })
    return entry.flight
  }

  function noteFailure(error: unknown, before: Failure | undefined): Failure {
    const count = (before?.count ?? 0) + 1
    const askedSeconds = error instanceof BrokerError ? error.askedSeconds : undefined
    const rest = chooseRest(count, { askedSeconds, random: random(), maxMs: failureMs })
    return { error, at: now(), restsUntil: now() + rest, count }
  }

  // Told with the time that is left of the rest, whatever went wrong.
  function refusalOf({ error, restsUntil }: Failure): unknown {
    if (!(error instanceof BrokerError)) return error
    const { code, ehr, detail, cause } = error
    const retryAfterSeconds = Math.max(1, Math.ceil((restsUntil - now()) / 1000))
    return new BrokerError(code, { ehr, detail, cause, retryAfterSeconds })
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
    const age = good === undefined ? Number.POSITIVE_INFINITY : ageOf(good)
    if (good !== undefined && isFresh(good)) return good.discovery.server
    const resting = failure !== undefined && failure.at <= now() && now() < failure.restsUntil
    const usable = good !== undefined && age < staleMs ? good.discovery.server : undefined
    if (resting) {
      if (usable !== undefined) return usable
      throw refusalOf(failure)
    }
    const maySettle = !good?.discovery.isProvisional && age < freshMs + revalidateMs
    if (usable !== undefined && maySettle) {
      // Its failure is kept in the entry; nobody waits for it.
      fly(registration, entry).catch(() => {})
      return usable
    }
    try {
      return (await wait(registration, entry)).server
    } catch (error) {
      if (usable !== undefined) return usable
      const noted = entryOf(registration).failure
      throw noted !== undefined && noted.error === error ? refusalOf(noted) : error
    }
  }

  /** Of what was found in the future, by a clock that was set back since, nobody knows it: not fresh. */
  function ageOf({ at }: { at: number }): number {
    const age = now() - at
    return age < 0 ? freshMs : age
  }

  function isFresh(good: NonNullable<Entry['good']>): boolean {
    const longest = good.discovery.isProvisional ? Math.min(freshMs, PROVISIONAL_MS) : freshMs
    return !good.isOfBefore && ageOf(good) < longest
  }

  function state(registration: Registration): DiscoveryState {
    const { good, failure } = entryOf(registration)
    const known = good === undefined ? 'unknown' : isFresh(good) ? 'fresh' : 'stale'
    return {
      ehr: registration.id,
      state: failure === undefined ? known : 'failing',
      discoveredAt: good?.at,
      server: good?.discovery.server,
      failure: failure && describe(failure),
    }
  }

  return { resolve, state, known: registration => entryOf(registration).good }
}

function describe({ error, at }: Failure): DiscoveryState['failure'] {
  if (!(error instanceof BrokerError)) return { code: 'internal', at }
  return { code: error.code, detail: error.detail, at }
}
