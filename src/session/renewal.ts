// When a session's tokens are renewed: ahead of their end, with a margin they can afford, by one renewal
// for all who ask in this process, and seldom at an EHR that refuses for ever. The clocks, the network
// and the randomness are passed in (attacks F).

import { createBoundedMap } from '../bounded-map.ts'
import { BrokerError } from '../errors.ts'
import { createPauses } from './pauses.ts'
import type { OpenSession } from './session.ts'
import { createSpending, type SpendingOptions } from './spending.ts'

export type RenewingOptions = SpendingOptions

export interface Renewals {
  /** A token good for this request, renewed ahead of its expiry; the common case is synchronous. */
  accessToken(open: OpenSession): string | Promise<string>
  /** A token newer than the one the EHR has just refused. */
  renew(open: OpenSession): Promise<string>
  /** Resolves when no renewal is under way and all that EHRs have given is in the vault. */
  settled(): Promise<void>
}

const MARGIN_MS = 45_000
const JITTER_MS = 15_000
/** A token that still lives is not held up by its renewal for longer. */
const PATIENCE_MS = 2_000
const MIN_RENEWAL_INTERVAL_MS = 10_000
const RENEWALS_BYTES = 4 * 1024 * 1024

export function createRenewals(options: RenewingOptions): Renewals {
  const { now, steady } = options
  const flights = new Map<string, Promise<OpenSession>>()
  const pauses = createPauses({ ...options, now: steady })
  /** When a record was last renewed here, so that an EHR that refuses for ever starts no storm. */
  const renewedAt = createBoundedMap<number>(RENEWALS_BYTES)
  const spending = createSpending({ ...options, report }, pauses)

  return {
    accessToken,
    renew,
    async settled() {
      await Promise.allSettled(flights.values())
      await spending.settled()
    },
  }

  function report(outcome: Parameters<RenewingOptions['report']>[0], open: OpenSession): void {
    if (outcome === 'renewed') renewedAt.set(open.recordId, steady())
    options.report(outcome, open)
  }

  function accessToken(open: OpenSession): string | Promise<string> {
    const { tokens } = open.session
    const remaining = tokens.accessTokenExpiresAt - now()
    if (remaining > marginOf(open)) return tokens.accessToken
    if (tokens.refreshToken === undefined) {
      if (remaining > 0) return tokens.accessToken
      return endExpired(open)
    }
    if (remaining <= 0) {
      return share(open, false).then(renewed => renewed.session.tokens.accessToken)
    }
    return pauses.isResting(open) ? tokens.accessToken : renewInTime(open)
  }

  // The old token serves while it lives, whether its renewal fails or takes its time.
  async function renewInTime(open: OpenSession): Promise<string> {
    const { accessToken } = open.session.tokens
    const renewal = share(open, true).then(
      renewed => renewed.session.tokens.accessToken,
      error => {
        if (isPassing(error)) return accessToken
        throw error
      },
    )
    return await Promise.race([renewal, options.wait(PATIENCE_MS).then(() => accessToken)])
  }

  async function renew(open: OpenSession): Promise<string> {
    const last = renewedAt.get(open.recordId) ?? Number.NEGATIVE_INFINITY
    if (
      open.session.tokens.refreshToken === undefined ||
      steady() - last < MIN_RENEWAL_INTERVAL_MS
    ) {
      const current = await options.reopen(open)
      if (current && current.generation > open.generation) return current.session.tokens.accessToken
      throw new BrokerError('upstream_unauthorized', { ehr: open.session.ehr })
    }
    return (await share(open, false)).session.tokens.accessToken
  }

  // Short tokens get a margin they can afford, and every session its own jitter, so that the
  // sessions of one shift do not renew in one second.
  function marginOf(open: OpenSession): number {
    const jitter = ((open.recordId.charCodeAt(0) * 31 + open.recordId.charCodeAt(1)) % 97) / 97
    const life = open.session.tokens.accessTokenLifetimeMs
    return Math.min(MARGIN_MS + jitter * JITTER_MS, life * (0.1 + 0.05 * jitter))
  }

  async function endExpired(open: OpenSession): Promise<never> {
    await options.endSession(open)
    options.report('ended', open)
    throw new BrokerError('session_expired', { ehr: open.session.ehr })
  }

  function share(open: OpenSession, serves: boolean): Promise<OpenSession> {
    const running = flights.get(open.recordId)
    if (running) return running
    if (pauses.isResting(open)) return Promise.reject(pauses.refusal(open))
    const flight = spending.spend(open, serves).finally(() => flights.delete(open.recordId))
    flights.set(open.recordId, flight)
    return flight
  }
}

// Failures after which the old token may still serve: everything but the end of the session.
function isPassing(error: unknown): boolean {
  return !(error instanceof BrokerError) || error.status >= 500
}
