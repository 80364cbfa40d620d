// The keys with which an EHR signs id_tokens and logout tokens: jose's remote key set over our own
// egress. Bounded in size, number of keys and fetches; one set for each registration, so that no EHR's
// key ever verifies another's token; the last good set serves while the EHR is down (attacks I8-I12,
// I15). The network and the time are passed in.

import {
  createLocalJWKSet,
  createRemoteJWKSet,
  customFetch,
  errors,
  type FetchImplementation,
  type JWTVerifyGetKey,
} from 'jose'
import { BrokerError } from '../../errors.ts'
import { isAbsent } from '../absent.ts'
import { isRecord, parseJsonObject } from '../json.ts'
import type { ProtocolFetch, Registration } from '../types.ts'

const MAX_BYTES = 512 * 1024
const MAX_KEYS = 100
const TIMEOUT_MS = 5000
/** How long a set is used without asking again. */
const FRESH_MS = 10 * 60_000
/** Unknown keys make one fetch in this time, and no more. */
const COOLDOWN_MS = 30_000
/** After a failed fetch the EHR is left in peace this long. */
const FAILURE_MS = 10_000
/** How long the last good set serves while no new one can be had. */
const STALE_MS = 24 * 3_600_000

/** Keys by the header of a token, and a look for new ones where the right key verifies nothing. */
export type EhrKeys = JWTVerifyGetKey & {
  /** Whether the keys were fetched anew: not again within thirty seconds, nor while the EHR is down. */
  renew?: () => Promise<boolean>
}

export interface KeySetOptions {
  /** The registration's egress. */
  fetch: ProtocolFetch
  /** Milliseconds since the epoch. */
  now: () => number
}

/**
 * The keys at one `jwks_uri`, for jose's `jwtVerify`; one without a `kid` is a key for every token whose
 * own is not there (RFC 7517 4.5: the member is optional). Rejects with `bad_jwks`, `issuer_busy` (the EHR
 * cannot serve its keys, or an unknown key came too soon after the last one), the egress' own
 * refusals, or jose's `JWKSNoMatchingKey` and `JWKSMultipleMatchingKeys`.
 */
export function createKeySet(jwksUri: string, { fetch, now }: KeySetOptions): EhrKeys {
  const remote = createRemoteJWKSet(new URL(jwksUri), {
    // Our own deadline and our own judgement of age come first; jose's fetches are counted by it.
    timeoutDuration: 2 * TIMEOUT_MS,
    cooldownDuration: COOLDOWN_MS,
    cacheMaxAge: FRESH_MS,
    [customFetch]: rememberLastGood(() => fetchKeys(jwksUri, fetch), now),
  })
  /** When an unknown key last made a fetch. */
  let unknownAt = Number.NEGATIVE_INFINITY
  let reloading: Promise<void> | undefined
  const find: JWTVerifyGetKey = async (header, token) => {
    const { coolingDown, fresh } = remote
    try {
      return await lookUp(header, token)
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error
      if (!coolingDown) {
        // The set was asked for: for this key alone, where it was fresh.
        if (fresh) unknownAt = now()
        throw error
      }
      await reloadOnce(error)
      return await lookUp(header, token)
    }
  }
  return Object.assign(find, { renew })

  async function lookUp(...[header, token]: Parameters<JWTVerifyGetKey>) {
    try {
      return await remote(header, token)
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error
      const nameless = remote.jwks()?.keys.filter(({ kid }) => isAbsent(kid)) ?? []
      if (nameless.length === 0) throw error
      return await createLocalJWKSet({ keys: nameless })({ alg: header.alg }, token)
    }
  }

  // A key may be exchanged under the name that it had, or without any: no header says so.
  async function renew(): Promise<boolean> {
    try {
      await reloadOnce()
      return true
    } catch (error) {
      if (error instanceof BrokerError || error instanceof errors.JOSEError) return false
      throw error
    }
  }

  // Keys may be rotated right after they were fetched; but a burst of unknown keys makes one fetch.
  async function reloadOnce(cause?: unknown): Promise<void> {
    const left = restLeft(unknownAt, COOLDOWN_MS, now())
    if (reloading === undefined && left > 0) {
      throw new BrokerError('issuer_busy', {
        detail: 'unknown key, and the key set was fetched for another one a moment ago',
        retryAfterSeconds: Math.ceil(left / 1000),
        cause,
      })
    }
    unknownAt = now()
    reloading ??= remote.reload().finally(() => {
      reloading = undefined
    })
    await reloading
  }
}

/** One key set for each registration, made anew when discovery names another `jwks_uri`. */
export function createKeySets(
  optionsOf: (registration: Registration) => KeySetOptions,
): (registration: Registration, jwksUri: string) => EhrKeys {
  const sets = new Map<string, { jwksUri: string; keySet: EhrKeys }>()
  return (registration, jwksUri) => {
    const known = sets.get(registration.id)
    if (known?.jwksUri === jwksUri) return known.keySet
    const keySet = createKeySet(jwksUri, optionsOf(registration))
    sets.set(registration.id, { jwksUri, keySet })
    return keySet
  }
}

async function fetchKeys(jwksUri: string, fetch: ProtocolFetch): Promise<unknown> {
  const response = await fetch(jwksUri, {
    headers: { accept: 'application/json' },
    maxBytes: MAX_BYTES,
    timeoutMs: TIMEOUT_MS,
    badAnswer: 'bad_jwks',
    follows: true,
  })
  if (response.status === 429 || response.status >= 500) {
    throw new BrokerError('issuer_busy', { detail: `key set: status ${response.status}` })
  }
  const document = parseJsonObject(
    new Uint8Array(await response.arrayBuffer()),
    response.headers.get('content-type'),
  )
  const keys = document.kind === 'object' ? document.object.keys : undefined
  if (response.status !== 200 || !Array.isArray(keys) || !keys.every(isRecord)) {
    throw new BrokerError('bad_jwks', { detail: 'not a key set' })
  }
  if (keys.length > MAX_KEYS) throw new BrokerError('bad_jwks', { detail: 'too many keys' })
  return { keys: keys.map(withoutSilence) }
}

// Servers that write out a class write all its members: null, empty texts and empty lists say nothing (Q31).
function withoutSilence(key: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const said = Object.entries(key).filter(
    ([, value]) => !isAbsent(value) && !(Array.isArray(value) && value.length === 0),
  )
  return Object.fromEntries(said)
}

/** What is left of a rest that began at this time; nothing where the clock was set back since. */
function restLeft(beganAt: number, restMs: number, now: number): number {
  return now < beganAt ? 0 : Math.max(0, beganAt + restMs - now)
}

/** The last good set stands in for a failed fetch; without one the failure itself is kept briefly. */
function rememberLastGood(load: () => Promise<unknown>, now: () => number): FetchImplementation {
  let good: { set: unknown; at: number } | undefined
  let failure: { error: unknown; at: number } | undefined
  return async () => {
    if (failure !== undefined && restLeft(failure.at, FAILURE_MS, now()) > 0) throw failure.error
    try {
      good = { set: await load(), at: now() }
    } catch (error) {
      if (good === undefined || now() - good.at > STALE_MS) {
        failure = { error, at: now() }
        throw error
      }
    }
    return Response.json(good.set)
  }
}
