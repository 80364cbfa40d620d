// What users and EHRs hold of that of which there is only so much: requests in flight, event streams,
// memory for bodies and small answers. A user's share lies within the EHR's, and that within the whole (attacks DS5,
// DS11). No I/O, no clock.

import { BrokerError } from '../errors.ts'
import type { ShareLimits } from '../limits.ts'
import { give, type Share, take } from '../share.ts'
import type { ProxiedSession } from './proxied-session.ts'

/** What one holder has of each. */
export interface Shares {
  /** Registration id, to name in refusals; undefined for the whole. */
  ehr: string | undefined
  requests: Share
  events: Share
  bytes: Share
}

type Kind = 'requests' | 'events' | 'bytes'
export type SharesOptions = Record<Kind, ShareLimits>

/** One request's place among those in flight. */
export interface Place {
  readonly shares: Shares
  isEvents: boolean
  /** Memory for its answer. */
  heldBytes: number
}

/** Users that hold nothing are forgotten when so many are known. */
const MAX_KNOWN = 4_096

/** Makes the function that finds a session's shares: its user's, if the EHR has said who that is. */
export function createShares(
  options: SharesOptions,
): (session: ProxiedSession['session']) => Shares {
  const all = buildShares(options, 'all', undefined)
  const ehrs = new Map<string, Shares>()
  const users = new Map<string, Shares>()

  return session => {
    const { ehr } = session
    const user = nameUser(session)
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

/** Who a session is of, at its EHR: the user, or the session where the EHR names none. */
export function nameUser({ id, ehr, tokens: { identity } }: ProxiedSession['session']): string {
  return identity ? `${ehr} ${identity.iss} ${identity.sub}` : `${ehr}/${id}`
}

function forgetIdle(users: Map<string, Shares>): void {
  for (const [user, { requests, events, bytes }] of users) {
    if (requests.held + events.held + bytes.held === 0) users.delete(user)
  }
}

/**
 * Takes of one kind, or refuses and takes nothing: `too_many_requests` beyond the holder's own limit,
 * `too_many_in_flight` where others would be left with too little.
 */
export function claim(shares: Shares, kind: Kind, amount: number): void {
  const share = shares[kind]
  if (take(share, amount)) return
  const isOwn = share.held + amount > share.limit
  throw new BrokerError(isOwn ? 'too_many_requests' : 'too_many_in_flight', {
    ehr: shares.ehr,
    retryAfterSeconds: 1,
  })
}

/** Takes a place for one request; refuses as `claim` does. */
export function enter(shares: Shares): Place {
  claim(shares, 'requests', 1)
  return { shares, isEvents: false, heldBytes: 0 }
}

/** The answer is a stream of events, which may last for hours: it counts as that from now on. */
export function becomeEvents(place: Place): void {
  claim(place.shares, 'events', 1)
  give(place.shares.requests, 1)
  place.isEvents = true
}

/** Takes memory to hold an answer in; false where it must pass as it comes. */
export function hold(place: Place, bytes = 0): boolean {
  if (bytes > 0 && !take(place.shares.bytes, bytes)) return false
  place.heldBytes += bytes
  return true
}

/** Gives back the place and all that was taken with it. */
export function leave({ shares, isEvents, heldBytes }: Place): void {
  give(isEvents ? shares.events : shares.requests, 1)
  if (heldBytes > 0) give(shares.bytes, heldBytes)
}

function buildShares(
  options: SharesOptions,
  level: keyof ShareLimits,
  ehr: string | undefined,
  within?: Shares,
): Shares {
  const build = (kind: Kind) => ({ held: 0, limit: options[kind][level], within: within?.[kind] })
  return { ehr, requests: build('requests'), events: build('events'), bytes: build('bytes') }
}
