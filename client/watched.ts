// What a client knows of this browser's sessions, and how each event changes that. Pure, and by
// reference: what an event does not change stays the same object.

import type { SessionDocument } from './document.ts'

export type WatchEvent =
  /** This browser's live sessions, at the server's time in milliseconds. */
  | { type: 'sessions'; sessions: readonly SessionDocument[]; at: number }
  /** One session as it is now. */
  | { type: 'session'; session: SessionDocument }
  /** A session is over, and nothing of its record may stay in sight. */
  | { type: 'ended'; id: string; reason: string }
  /** A session ends soon unless it is used, or in any case. */
  | { type: 'expiring'; id: string }
  /** A session got a new token from its EHR. */
  | { type: 'renewed'; id: string; at: string; tokenExpiresAt?: string }
  /** An EHR has stopped to answer, or answers again. */
  | { type: 'ehr'; ehr: string; isDown: boolean }
  /** fhirstorm itself does not answer. */
  | { type: 'unreachable' }

export interface Watched {
  /** `unknown` until fhirstorm was heard for the first time. */
  state: 'unknown' | 'known' | 'unreachable'
  sessions: readonly SessionDocument[]
  /** The sessions that ended while they were watched, the last one last. */
  ended: readonly { id: string; reason: string }[]
  /** The last renewals, by the server's time. */
  renewals: readonly { id: string; at: string; tokenExpiresAt?: string }[]
  /** Ids of the EHRs that do not answer. */
  ehrsDown: readonly string[]
}

const MAX_KEPT = 64

export const unknown: Watched = {
  state: 'unknown',
  sessions: [],
  ended: [],
  renewals: [],
  ehrsDown: [],
}

/** What is known after an event; the same object when the event says nothing new. */
export function change(known: Watched, event: WatchEvent): Watched {
  switch (event.type) {
    case 'sessions':
      return list(known, event.sessions)
    case 'session':
      return list(known, replace(known.sessions, event.session))
    case 'ended':
      return end(known, event)
    case 'renewed':
      return renew(known, event)
    case 'ehr':
      return turnEhr(known, event)
    case 'unreachable':
      return known.state === 'unreachable' ? known : { ...known, state: 'unreachable' }
    default:
      return known
  }
}

/**
 * The endings that an event tells of besides itself: of sessions that are missing in a list. A list that
 * comes late, from before a session began, says nothing of that one.
 */
export function findEndings(known: Watched, event: WatchEvent): WatchEvent[] {
  if (event.type !== 'sessions') return []
  const { sessions, at } = event
  const listed = new Set(sessions.map(({ id }) => id))
  return known.sessions
    .filter(({ id, createdAt }) => !listed.has(id) && Date.parse(createdAt) <= at)
    .map(({ id }) => ({ type: 'ended', id, reason: 'unknown' }))
}

/**
 * Whether a list leaves open if a session is over or had not begun yet: the server tells its time to the
 * second, and a session may have begun, and ended, within that one. A later list says.
 */
export function isInDoubt(known: Watched, event: WatchEvent): boolean {
  if (event.type !== 'sessions') return false
  const listed = new Set(event.sessions.map(({ id }) => id))
  return known.sessions.some(({ id }) => !listed.has(id))
}

function list(known: Watched, listed: readonly SessionDocument[]): Watched {
  // A list that comes late brings no session back, and takes none away: that is an ending's.
  const ended = new Set(known.ended.map(({ id }) => id))
  const before = new Map(known.sessions.map(session => [session.id, session]))
  const isListed = new Set(listed.map(({ id }) => id))
  const younger = known.sessions.filter(({ id }) => !isListed.has(id))
  const sessions = [...listed, ...younger]
    .filter(({ id }) => !ended.has(id))
    .map(session => {
      const old = before.get(session.id)
      return old !== undefined && isSame(old, session) ? old : session
    })
  const isUnchanged =
    sessions.length === known.sessions.length &&
    sessions.every((session, index) => session === known.sessions[index])
  if (isUnchanged && known.state === 'known') return known
  return { ...known, state: 'known', sessions: isUnchanged ? known.sessions : sessions }
}

function replace(sessions: readonly SessionDocument[], session: SessionDocument) {
  const isNew = sessions.every(({ id }) => id !== session.id)
  return isNew
    ? [...sessions, session]
    : sessions.map(one => (one.id === session.id ? session : one))
}

function end(known: Watched, { id, reason }: { id: string; reason: string }): Watched {
  if (known.ended.some(one => one.id === id)) return known
  return {
    ...known,
    sessions: known.sessions.filter(session => session.id !== id),
    ended: [...known.ended, { id, reason }].slice(-MAX_KEPT),
  }
}

function renew(
  known: Watched,
  { id, at, tokenExpiresAt }: { id: string; at: string; tokenExpiresAt?: string },
): Watched {
  if (known.renewals.some(one => one.id === id && one.at === at)) return known
  return { ...known, renewals: [...known.renewals, { id, at, tokenExpiresAt }].slice(-MAX_KEPT) }
}

function turnEhr(known: Watched, { ehr, isDown }: { ehr: string; isDown: boolean }): Watched {
  if (known.ehrsDown.includes(ehr) === isDown) return known
  const others = known.ehrsDown.filter(one => one !== ehr)
  return { ...known, ehrsDown: isDown ? [...others, ehr] : others }
}

function isSame(one: SessionDocument, other: SessionDocument): boolean {
  return JSON.stringify(one, leaveOutSeconds) === JSON.stringify(other, leaveOutSeconds)
}

// They say what the times say, and are others each time.
function leaveOutSeconds(name: string, value: unknown): unknown {
  return name === 'idleExpiresIn' || name === 'expiresIn' ? undefined : value
}
