// What users and EHRs hold of that of which there is only so much: requests in flight, event streams,
// memory for bodies. A user's share lies within the EHR's, and that within the whole. Besides a limit
// of its own nobody may hold more than is left over, so that however greedy some are, whoever holds
// little still gets more (attacks DS5, DS11). No I/O, no clock.

import { BrokerError } from '../errors.ts'
import type { Session } from '../session/session.ts'

/** Largest amounts of one user, of one EHR and of all together. */
export interface ShareLimits {
  /** Of one session where the EHR does not say who the user is. */
  user: number
  ehr: number
  all: number
}

export interface Share {
  held: number
  readonly limit: number
  readonly within: Share | undefined
  /** Registration id, to name in refusals; undefined for the whole. */
  readonly ehr: string | undefined
}

/** What one holder has of each. */
export interface Shares {
  requests: Share
  events: Share
  bytes: Share
}

export interface SharesOptions {
  requests: ShareLimits
  events: ShareLimits
  bytes: ShareLimits
}

/** One request's place among those in flight. */
export interface Place {
  readonly shares: Shares
  isEvents: boolean
}

/** Users that hold nothing are forgotten when so many are known. */
const MAX_KNOWN = 4_096

/** Makes the function that finds a session's shares: its user's, if the EHR has said who that is. */
export function createShares(options: SharesOptions): (session: Session) => Shares {
  const all = buildShares(options, 'all', undefined)
  const ehrs = new Map<string, Shares>()
  const users = new Map<string, Shares>()

  return ({ id, ehr, tokens: { identity } }) => {
    const user = identity ? `${ehr} ${identity.iss} ${identity.sub}` : id
    const known = users.get(user)
    if (known) return known
    if (users.size >= MAX_KNOWN) forgetIdle(users)
    const ofEhr = ehrs.get(ehr) ?? buildShares(options, 'ehr', ehr, all)
    ehrs.set(ehr, ofEhr)
    const shares = buildShares(options, 'user', ehr, ofEhr)
    users.set(user, shares)
    return shares
  }
}

function forgetIdle(users: Map<string, Shares>): void {
  for (const [user, { requests, events, bytes }] of users) {
    if (requests.held + events.held + bytes.held === 0) users.delete(user)
  }
}

/**
 * Takes an amount, or refuses and takes nothing: `too_many_requests` beyond the holder's own limit,
 * `too_many_in_flight` where others would be left with too little.
 */
export function take(share: Share, amount: number): void {
  if (amount > leftFor(share)) {
    const isOwn = share.held + amount > share.limit
    throw new BrokerError(isOwn ? 'too_many_requests' : 'too_many_in_flight', {
      ehr: share.ehr,
      retryAfterSeconds: 1,
    })
  }
  for (let holder: Share | undefined = share; holder; holder = holder.within) holder.held += amount
}

/** How much more a holder may take: up to its limit, and never more than it leaves to others. */
function leftFor({ held, limit, within }: Share): number {
  return Math.min(limit, within ? leftFor(within) : limit) - held
}

/** Gives back what was taken. */
export function give(share: Share, amount: number): void {
  for (let holder: Share | undefined = share; holder; holder = holder.within) holder.held -= amount
}

/** Takes a place for one request; refuses as `take` does. */
export function enter(shares: Shares): Place {
  take(shares.requests, 1)
  return { shares, isEvents: false }
}

/** The answer is a stream of events, which may last for hours: it counts as that from now on. */
export function becomeEvents(place: Place): void {
  take(place.shares.events, 1)
  give(place.shares.requests, 1)
  place.isEvents = true
}

export function leave({ shares, isEvents }: Place): void {
  give(isEvents ? shares.events : shares.requests, 1)
}

function buildShares(
  options: SharesOptions,
  level: keyof ShareLimits,
  ehr: string | undefined,
  within?: Shares,
): Shares {
  const build = (kind: keyof Shares): Share => ({
    held: 0,
    limit: options[kind][level],
    within: within?.[kind],
    ehr,
  })
  return { requests: build('requests'), events: build('events'), bytes: build('bytes') }
}
