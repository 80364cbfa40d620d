// Spending a refresh token, which an EHR takes once (SMART best practice): under a lease that the store
// counts, with the record's generation as the fence. What the EHR gives is durable before it is used,
// and is given back only where no session is left that lives on it. The clocks, the network and the
// randomness are passed in (attacks F).

import { BrokerError } from '../errors.ts'
import type { RefreshOutcome } from '../smart/token/refresh.ts'
import type { TokenSet } from '../smart/types.ts'
import type { Vault } from '../vault/vault.ts'
import type { Pauses } from './pauses.ts'
import type { OpenSession } from './session.ts'
import { createUnsaved, type Got, type Lease } from './unsaved.ts'

export interface SpendingOptions {
  vault: Pick<Vault, 'head' | 'lease' | 'release'>
  now: () => number
  /** Milliseconds by a clock that nobody sets. */
  steady: () => number
  /** Milliseconds one token call may take at most. */
  deadlineMs: number
  /** The process's name, unique in the whole deployment: part of the names of its leases. */
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
  /** Ends the session if the generation is still the given one; false when it is not. */
  endSession: (open: OpenSession) => Promise<boolean>
  /** Gives tokens back that no session will use. */
  discard: (open: OpenSession, tokens: TokenSet) => void
  report: (outcome: 'renewed' | 'ended' | 'failed' | 'shared', open: OpenSession) => void
}

export interface Spending {
  /**
   * The session with newer tokens, whoever got them. While the old token `serves`, a refusal without a word
   * of OAuth ends nothing (`refresh_failed`): a gateway says 404 while what is behind it is exchanged.
   */
  spend(open: OpenSession, serves: boolean): Promise<OpenSession>
  /** Resolves when all that EHRs have given is in the vault. */
  settled(): Promise<void>
}

/** Of a token call's deadline: how long a lease lasts, and what is left when the token is sent. */
const LEASE_DEADLINES = 3
const SEND_DEADLINES = 1.5
const POLL_MS = 50
/** Before a lease that could not be given back is given back once more. */
const RELEASE_AGAIN_MS = 2_000
/** Before a renewal that was refused without a reason is tried once more. */
const SECOND_TRY_MS = 900

export function createSpending(options: SpendingOptions, pauses: Pauses): Spending {
  const { vault, steady, deadlineMs } = options
  const unsaved = createUnsaved({ ...options, store, release })
  let leases = 0

  return { spend, settled: unsaved.settled }

  async function spend(open: OpenSession, serves: boolean): Promise<OpenSession> {
    // Nothing is sent for what has been got already, so no lease is needed.
    const waiting = unsaved.find(open)
    if (waiting) return await store(open, waiting)
    const lease = { id: open.recordId, owner: `${options.owner}-${++leases}` }
    const leaseMs = LEASE_DEADLINES * deadlineMs
    const giveUpAt = steady() + leaseMs + deadlineMs
    while (steady() < giveUpAt) {
      // From before the store is asked: its own count begins later.
      const lastMoment = steady() + leaseMs - SEND_DEADLINES * deadlineMs
      if (await acquire(lease, leaseMs)) {
        return await holdLease(open, serves, lease, lastMoment)
      }
      const head = await vault.head(open.recordId)
      if (!head) throw new BrokerError('session_invalid', { ehr: open.session.ehr })
      if (head.generation !== open.generation) {
        options.report('shared', open)
        return await reopenOrRefuse(open)
      }
      await options.wait(POLL_MS * (1 + options.random()))
    }
    throw new BrokerError('refresh_failed', { ehr: open.session.ehr, detail: 'lease not granted' })
  }

  async function holdLease(
    open: OpenSession,
    serves: boolean,
    lease: Lease,
    lastMoment: number,
  ): Promise<OpenSession> {
    try {
      // Read again under the lease: another holder may have renewed while this one waited, and the
      // ticket cache may be older than the lease.
      const current = await reopenOrRefuse(open)
      if (current.generation !== open.generation) return current
      const answer = await ask(current, serves, lastMoment)
      if (answer.outcome === 'ended') return await settleEnded(current, answer)
      return await store(current, { tokens: answer.tokens, lease })
    } finally {
      // Nobody else is to send the old token while its successor waits for the vault.
      if (!unsaved.has(lease)) await release(lease)
    }
  }

  async function ask(open: OpenSession, serves: boolean, lastMoment: number): Promise<Answered> {
    try {
      const send = await options.prepare(open)
      const first = await sendInTime(send, lastMoment)
      if (first.outcome !== 'refused') return first
      // What no word of OAuth explains may be a gateway's whim: once, and in the same lease.
      await options.wait(SECOND_TRY_MS)
      const second = await sendInTime(send, lastMoment)
      if (second.outcome !== 'refused') return second
      if (serves) throw new BrokerError('refresh_failed', { detail: second.detail })
      return { outcome: 'ended', reason: 'refused', detail: second.detail }
    } catch (error) {
      options.report('failed', open)
      throw pauses.rest(open, error)
    }
  }

  async function sendInTime(send: () => Promise<RefreshOutcome>, lastMoment: number) {
    // Whoever sends without a full deadline left may still be waiting when the next one sends.
    if (steady() > lastMoment)
      throw new BrokerError('refresh_failed', { detail: 'too late to send' })
    return await send()
  }

  async function store(open: OpenSession, got: Got): Promise<OpenSession> {
    const { tokens } = got
    let current: OpenSession | undefined
    try {
      const stored = await options.replace(open, tokens)
      // Another holder's answer may have been stored first. Then this one is left alone: many EHRs take
      // a revocation for the end of the whole grant, and the session lives on it.
      current = stored ?? (await options.reopen(open))
      if (stored) {
        pauses.lift(open)
        options.report('renewed', open)
      }
    } catch (error) {
      unsaved.add(open, got)
      throw error
    }
    unsaved.remove(open)
    if (current) return current
    options.discard(open, tokens)
    throw new BrokerError('session_invalid', { ehr: open.session.ehr })
  }

  async function settleEnded(open: OpenSession, answer: Ended): Promise<OpenSession> {
    // A holder that stood still past its lease may have stored what the same token brought it.
    const current = (await options.endSession(open)) ? undefined : await options.reopen(open)
    if (current) return current
    // The refresh token is used up, or gone with the grant; the access token may live on (attacks F3).
    options.discard(open, { ...open.session.tokens, refreshToken: undefined })
    if (answer.tokens) options.discard(open, answer.tokens)
    options.report('ended', open)
    const { reason, errorUri, detail = reason } = answer
    throw new BrokerError('session_expired', {
      ehr: open.session.ehr,
      detail,
      // A grant that was suspended is explained on a page of the EHR (Q16).
      links: errorUri === undefined ? [] : [{ url: errorUri, rel: 'help' }],
    })
  }

  async function acquire(lease: Lease, forMs: number): Promise<boolean> {
    try {
      return await vault.lease(lease.id, lease.owner, forMs)
    } catch (error) {
      // It may have been granted, and the answer lost: nobody would hold it, and everybody wait for it.
      void release(lease)
      throw error
    }
  }

  // Once more behind the answer where the vault is away for a moment.
  async function release({ id, owner }: Lease): Promise<void> {
    await vault.release(id, owner).catch(() => void releaseAgain({ id, owner }))
  }

  async function releaseAgain({ id, owner }: Lease): Promise<void> {
    await options.wait(RELEASE_AGAIN_MS)
    await vault.release(id, owner).catch(() => undefined)
  }

  async function reopenOrRefuse(open: OpenSession): Promise<OpenSession> {
    const current = await options.reopen(open)
    if (!current) throw new BrokerError('session_invalid', { ehr: open.session.ehr })
    return current
  }
}

type Answered = Exclude<RefreshOutcome, { outcome: 'refused' }>
type Ended = Extract<RefreshOutcome, { outcome: 'ended' }>
