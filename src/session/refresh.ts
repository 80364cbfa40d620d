// Renewing a session's tokens, once: a shared promise in this process, a lease across processes and
// machines, and the record's generation as the fence. The new refresh token is durable before the new
// access token is used (design section 4; SMART best practice: a refresh token is never used twice).
// The clock, the network and the randomness are passed in.

import { BrokerError } from '../errors.ts'
import type { RefreshOutcome } from '../smart/refresh.ts'
import type { TokenSet } from '../smart/types.ts'
import type { Vault } from '../vault/vault.ts'
import { createPauses } from './pauses.ts'
import { remember } from './remember.ts'
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
  /**
   * Finds out what a token call needs, and gives the one call; each may throw BrokerError for what may
   * pass, and only the call sends the refresh token.
   */
  prepare: (open: OpenSession) => Promise<() => Promise<RefreshOutcome>>
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
  /** Resolves when no renewal is under way, so that none is cut off between its two ends. */
  settled(): Promise<void>
}

const MARGIN_MS = 45_000
const JITTER_MS = 15_000
/** A token that still lives is not held up by its renewal for longer. */
const PATIENCE_MS = 2_000
const POLL_MS = 50
const MIN_RENEWAL_INTERVAL_MS = 10_000

export function createRefresher(options: RefreshOptions): Refresher {
  const { vault, now } = options
  const flights = new Map<string, Promise<OpenSession>>()
  const pauses = createPauses(options)
  /** When a record was last renewed here, so that an EHR that refuses for ever starts no storm. */
  const renewals = new Map<string, number>()
  /**
   * Tokens that the EHR has given and the vault did not say that it has: stored before anything else,
   * but only over the generation that they were got for.
   */
  const unsaved = new Map<string, { generation: number; tokens: TokenSet }>()

  return {
    accessToken,
    renew,
    settled: () => Promise.allSettled(flights.values()).then(() => undefined),
  }

  function accessToken(open: OpenSession): string | Promise<string> {
    const { tokens } = open.session
    const remaining = tokens.accessTokenExpiresAt - now()
    if (remaining > marginOf(open)) return tokens.accessToken
    if (tokens.refreshToken === undefined) {
      if (remaining > 0) return tokens.accessToken
      return endExpired(open)
    }
    if (remaining <= 0) return share(open).then(renewed => renewed.session.tokens.accessToken)
    return pauses.isResting(open) ? tokens.accessToken : renewInTime(open)
  }

  // The old token serves while it lives, whether its renewal fails or takes its time.
  async function renewInTime(open: OpenSession): Promise<string> {
    const { accessToken } = open.session.tokens
    const renewal = share(open).then(
      renewed => renewed.session.tokens.accessToken,
      error => {
        if (isPassing(error)) return accessToken
        throw error
      },
    )
    return await Promise.race([renewal, options.wait(PATIENCE_MS).then(() => accessToken)])
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
    if (pauses.isResting(open)) return Promise.reject(pauses.refusal(open))
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
      return await sendAndStore(current, until - options.deadlineMs)
    } finally {
      await vault.release(open.recordId, options.owner).catch(() => undefined)
    }
  }

  async function sendAndStore(open: OpenSession, lastMoment: number): Promise<OpenSession> {
    const answer = await recallOrAsk(open, lastMoment)
    if (answer.outcome === 'ended') {
      if (answer.tokens) options.discard(open, answer.tokens)
      await options.end(open)
      options.report?.('ended', open)
      const { reason, errorUri } = answer
      throw new BrokerError('session_expired', {
        ehr: open.session.ehr,
        detail: reason,
        // A grant that was suspended is explained on a page of the EHR (smart.md Q16).
        links: errorUri === undefined ? [] : [{ url: errorUri, rel: 'help' }],
      })
    }
    const { generation, recordId } = open
    remember(unsaved, recordId, { generation, tokens: answer.tokens })
    const stored = await options.replace(open, answer.tokens)
    unsaved.delete(recordId)
    if (!stored) {
      options.discard(open, answer.tokens)
      throw new BrokerError('session_invalid', { ehr: open.session.ehr })
    }
    pauses.end(open)
    remember(renewals, recordId, now())
    options.report?.('renewed', open)
    return stored
  }

  async function recallOrAsk(open: OpenSession, lastMoment: number): Promise<RefreshOutcome> {
    const recalled = unsaved.get(open.recordId)
    unsaved.delete(open.recordId)
    if (recalled?.generation === open.generation) {
      return { outcome: 'renewed', tokens: recalled.tokens }
    }
    try {
      const send = await options.prepare(open)
      // Whoever sends without a full deadline left may still be waiting when the next one sends.
      if (now() > lastMoment)
        throw new BrokerError('refresh_failed', { detail: 'too late to send' })
      return await send()
    } catch (error) {
      options.report?.('failed', open)
      throw pauses.begin(open, error)
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
