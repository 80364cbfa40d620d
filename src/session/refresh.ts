// Renewing a session's tokens, once: a shared promise in this process, a lease across processes and
// machines, and the record's generation as the fence. The new refresh token is durable before the new
// access token is used (design section 4; SMART best practice: a refresh token is never used twice).
// The clock, the network and the randomness are passed in.

import { BrokerError } from '../errors.ts'
import type { RefreshOutcome } from '../smart/refresh.ts'
import type { TokenSet } from '../smart/types.ts'
import type { Vault } from '../vault/vault.ts'
import type { OpenSession } from './session.ts'

export interface RefreshOptions {
  vault: Vault
  now: () => number
  /** Milliseconds one token call may take at most. */
  deadlineMs: number
  /** The holder's name, unique in the whole deployment: one per process. */
  owner: string
  /** Between 0 and 1, for jitter. */
  random: () => number
  wait: (milliseconds: number) => Promise<void>
  /** One token call; throws BrokerError for failures that may pass. */
  refresh: (open: OpenSession) => Promise<RefreshOutcome>
  /** Stores the new tokens durably if the generation is still the given one. */
  replace: (open: OpenSession, tokens: TokenSet) => Promise<OpenSession | undefined>
  /** Opens the record again, with the ticket of the request at hand. */
  reopen: (open: OpenSession) => Promise<OpenSession | undefined>
  end: (open: OpenSession) => Promise<void>
  /** Gives tokens back that no session will use (a logout won the race). */
  discard: (open: OpenSession, tokens: TokenSet) => void
  report?: (outcome: 'renewed' | 'ended' | 'failed' | 'shared', open: OpenSession) => void
}

export interface Refresher {
  /** A token good for this request, renewed ahead of its expiry; the common case is synchronous. */
  accessToken(open: OpenSession): string | Promise<string>
  /** A token newer than the one the EHR has just refused. */
  renew(open: OpenSession): Promise<string>
}

const MARGIN_MS = 45_000
const JITTER_MS = 15_000
const POLL_MS = 50
const BACKOFF_MS = 5_000
const MIN_RENEWAL_INTERVAL_MS = 10_000
const MAX_MEMORIES = 10_000

export function createRefresher(options: RefreshOptions): Refresher {
  const { vault, now } = options
  const flights = new Map<string, Promise<OpenSession>>()
  /** When a failed renewal may be tried again, by record. */
  const pauses = new Map<string, number>()
  /** When a record was last renewed here, so that an EHR that refuses for ever starts no storm. */
  const renewals = new Map<string, number>()
  /** Tokens that the EHR has given and the vault would not take yet: stored before anything else. */
  const unsaved = new Map<string, TokenSet>()

  return { accessToken, renew }

  function accessToken(open: OpenSession): string | Promise<string> {
    const { tokens } = open.session
    const remaining = tokens.accessTokenExpiresAt - now()
    if (remaining > marginOf(open)) return tokens.accessToken
    if (tokens.refreshToken === undefined) {
      if (remaining > 0) return tokens.accessToken
      return endExpired(open)
    }
    if (remaining > 0 && (pauses.get(open.recordId) ?? 0) > now()) return tokens.accessToken
    return share(open).then(
      renewed => renewed.session.tokens.accessToken,
      error => {
        if (remaining > 0 && isPassing(error)) return tokens.accessToken
        throw error
      },
    )
  }

  async function renew(open: OpenSession): Promise<string> {
    const last = renewals.get(open.recordId) ?? Number.NEGATIVE_INFINITY
    if (open.session.tokens.refreshToken === undefined || now() - last < MIN_RENEWAL_INTERVAL_MS) {
      const current = await options.reopen(open)
      if (current && current.generation > open.generation) return current.session.tokens.accessToken
      throw new BrokerError('upstream_unauthorized', { ehr: open.session.ehr })
    }
    return (await share(open)).session.tokens.accessToken
  }

  // Short tokens get a margin they can afford, and every generation its own jitter, so that the
  // sessions of one shift do not renew in one second.
  function marginOf(open: OpenSession): number {
    const jitter = ((open.recordId.charCodeAt(0) * 31 + open.recordId.charCodeAt(1)) % 97) / 97
    const life = open.session.tokens.accessTokenLifetimeMs
    return Math.min(MARGIN_MS + jitter * JITTER_MS, life * (0.1 + 0.05 * jitter))
  }

  async function endExpired(open: OpenSession): Promise<never> {
    await options.end(open)
    options.report?.('ended', open)
    throw new BrokerError('session_expired', { ehr: open.session.ehr })
  }

  function share(open: OpenSession): Promise<OpenSession> {
    const running = flights.get(open.recordId)
    if (running) return running
    if ((pauses.get(open.recordId) ?? 0) > now()) {
      return Promise.reject(new BrokerError('refresh_failed', { ehr: open.session.ehr }))
    }
    const flight = renewOnce(open).finally(() => flights.delete(open.recordId))
    flights.set(open.recordId, flight)
    return flight
  }

  async function renewOnce(open: OpenSession): Promise<OpenSession> {
    const leaseMs = 3 * options.deadlineMs
    const giveUpAt = now() + leaseMs + options.deadlineMs
    while (now() < giveUpAt) {
      const until = now() + leaseMs
      if (await vault.lease(open.recordId, options.owner, until))
        return await holdLease(open, until)
      const head = await vault.head(open.recordId)
      if (!head) throw new BrokerError('session_invalid', { ehr: open.session.ehr })
      if (head.generation !== open.generation) {
        options.report?.('shared', open)
        return await reopenOrRefuse(open)
      }
      await options.wait(POLL_MS * (1 + options.random()))
    }
    throw new BrokerError('refresh_failed', { ehr: open.session.ehr, detail: 'lease not granted' })
  }

  async function holdLease(open: OpenSession, until: number): Promise<OpenSession> {
    try {
      // Read again under the lease: another holder may have renewed while this one waited, and the
      // ticket cache may be older than the lease.
      const current = await reopenOrRefuse(open)
      if (current.generation !== open.generation) return current
      if (until - now() < options.deadlineMs) throw new BrokerError('refresh_failed')
      return await sendAndStore(current)
    } finally {
      await vault.release(open.recordId, options.owner).catch(() => undefined)
    }
  }

  async function sendAndStore(open: OpenSession): Promise<OpenSession> {
    const answer = await askOrRecall(open)
    if (answer.outcome === 'ended') {
      await options.end(open)
      if (answer.tokens) options.discard(open, answer.tokens)
      options.report?.('ended', open)
      throw new BrokerError('session_expired', { ehr: open.session.ehr, detail: answer.reason })
    }
    remember(unsaved, open.recordId, answer.tokens)
    const stored = await options.replace(open, answer.tokens)
    unsaved.delete(open.recordId)
    if (!stored) {
      options.discard(open, answer.tokens)
      throw new BrokerError('session_invalid', { ehr: open.session.ehr })
    }
    pauses.delete(open.recordId)
    remember(renewals, open.recordId, now())
    options.report?.('renewed', open)
    return stored
  }

  async function askOrRecall(open: OpenSession): Promise<RefreshOutcome> {
    const tokens = unsaved.get(open.recordId)
    if (tokens) return { outcome: 'renewed', tokens }
    try {
      return await options.refresh(open)
    } catch (error) {
      remember(pauses, open.recordId, now() + BACKOFF_MS)
      options.report?.('failed', open)
      throw error
    }
  }

  async function reopenOrRefuse(open: OpenSession): Promise<OpenSession> {
    const current = await options.reopen(open)
    if (!current) throw new BrokerError('session_invalid', { ehr: open.session.ehr })
    return current
  }
}

// Failures after which the old token may still serve: everything but the end of the session.
function isPassing(error: unknown): boolean {
  return !(error instanceof BrokerError) || error.status >= 500
}

function remember<T>(memory: Map<string, T>, key: string, value: T): void {
  memory.delete(key)
  memory.set(key, value)
  if (memory.size > MAX_MEMORIES) memory.delete(memory.keys().next().value as string)
}
