// Keys change in three steps, so that processes that share sessions never refuse each other's: a key is
// added, which opens and verifies; once every process knows it, it is promoted, and seals and signs; once
// nothing of the old one can live, that is retired. Client keys go the same way: an EHR that has cached
// our key set is never asked to trust a key that it has not seen (SMART: publish current and next
// together). Pure: the clock and the randomness are passed in.

import { type KeyRing, makeServerKey, type ServerKey } from './keys.ts'

export type RandomBytes = (size: number) => Buffer

/** When a step is taken, and how long what was sealed by the key before may live. */
export interface RotationTimes {
  now: number
  /** Milliseconds. */
  keepMs: number
}

/** The ring with a further key that opens and verifies; throws where one already waits. */
export function addKey(ring: KeyRing, now: number, randomBytes: RandomBytes): KeyRing {
  if (findNext(ring) !== undefined) throw new Error('a key waits to be promoted already')
  const [inUse, ...others] = ring.keys
  return { ...ring, keys: [inUse, ...others, { ...makeServerKey(now, randomBytes), isNext: true }] }
}

/** The ring with a further client key that is published; throws where one already waits. */
export function addClientKey(ring: KeyRing, fresh: object): KeyRing {
  if (ring.clientKeys.some(isNextClientKey)) throw new Error('a client key waits already')
  const isOnly = ring.clientKeys.length === 0
  return { ...ring, clientKeys: [...ring.clientKeys, isOnly ? fresh : { ...fresh, next: true }] }
}

/** The ring in which what waited is in use; throws where nothing waits. */
export function promoteKeys(ring: KeyRing, now: number): KeyRing {
  const next = findNext(ring)
  const nextClientKey = ring.clientKeys.find(isNextClientKey)
  if (next === undefined && nextClientKey === undefined) throw new Error('no key waits: keys add')
  return { ...ring, keys: promote(ring.keys, next, now), clientKeys: promoteClientKey(ring, now) }
}

/** The ring without the keys that were replaced so long ago that nothing of theirs lives. */
export function retireKeys(ring: KeyRing, times: RotationTimes): KeyRing {
  const [inUse, ...others] = ring.keys
  return {
    ...ring,
    keys: [inUse, ...others.filter((_key, i) => !isSpent(ring.keys, i + 1, times))],
    clientKeys: ring.clientKeys.filter((_key, i) => i === 0 || !isSpentClientKey(ring, i, times)),
  }
}

/** All three at once, for a single process: it alone has to know the new key before it is used. */
export function rotateKeyRing(
  ring: KeyRing,
  { randomBytes, ...times }: RotationTimes & { randomBytes: RandomBytes },
): KeyRing {
  if (findNext(ring) !== undefined) throw new Error('a key waits to be promoted: keys promote')
  const { keys } = retireKeys({ ...ring, clientKeys: [] }, times)
  return { ...ring, keys: [makeServerKey(times.now, randomBytes), ...keys] }
}

/**
 * Client keys after a rotation in one step: the key published last time signs now, the one that signed
 * stays published, and the fresh one is published for the next time.
 */
export function rotateClientKeys(keys: readonly object[], fresh: object, now: number): object[] {
  const [signing] = keys
  if (!signing) return [fresh]
  const next = keys.find(isNextClientKey) ?? (keys.length > 1 ? keys.at(-1) : undefined)
  const marked = { ...fresh, next: true }
  return next ? [takeIntoUse(next, now), signing, marked] : [signing, marked]
}

/** What is to be done next, in words for the operator. */
export function describeNextStep(
  ring: KeyRing,
  { now, keepMs }: RotationTimes,
  command: (action: 'add' | 'promote' | 'retire') => string,
): string {
  if (findNext(ring) !== undefined || ring.clientKeys.some(isNextClientKey)) {
    return `when every process has been restarted or reloaded: ${command('promote')}`
  }
  const times = ring.keys.slice(1).map((_key, i) => replacedAt(ring.keys, i + 1) + keepMs)
  const clientTimes = ring.clientKeys.slice(1).map(() => signingSince(ring) + keepMs)
  const due = [...times, ...clientTimes].filter(time => !Number.isNaN(time))
  if (due.length === 0) return `nothing waits; to change keys: ${command('add')}`
  const soonest = Math.min(...due)
  return soonest <= now
    ? `restart or reload every process; then ${command('retire')} takes the old key away`
    : `restart or reload every process; after ${new Date(soonest).toISOString()}: ${command('retire')}`
}

function findNext({ keys }: KeyRing): ServerKey | undefined {
  return keys.find(({ isNext }) => isNext)
}

function promote(keys: KeyRing['keys'], next: ServerKey | undefined, now: number): KeyRing['keys'] {
  if (next === undefined) return keys
  const { isNext: _mark, ...key } = next
  return [{ ...key, usedSince: now }, ...keys.filter(one => one !== next)]
}

function promoteClientKey({ clientKeys }: KeyRing, now: number): readonly object[] {
  const next = clientKeys.find(isNextClientKey)
  if (next === undefined) return clientKeys
  return [takeIntoUse(next, now), ...clientKeys.filter(one => one !== next)]
}

function isSpent(keys: KeyRing['keys'], index: number, { now, keepMs }: RotationTimes): boolean {
  return !keys[index]?.isNext && now - replacedAt(keys, index) >= keepMs
}

/** When the key before this one in the ring, its successor, came into use. */
function replacedAt(keys: KeyRing['keys'], index: number): number {
  const successor = keys[index - 1]
  return keys[index]?.isNext
    ? Number.NaN
    : (successor?.usedSince ?? successor?.createdAt ?? Number.NaN)
}

function isSpentClientKey(ring: KeyRing, index: number, { now, keepMs }: RotationTimes): boolean {
  const key = ring.clientKeys[index]
  return key !== undefined && !isNextClientKey(key) && now - signingSince(ring) >= keepMs
}

function isNextClientKey(key: object): boolean {
  return (key as { next?: unknown }).next === true
}

function takeIntoUse(key: object, now: number): object {
  const { next: _mark, ...rest } = key as { next?: unknown }
  return { ...rest, usedSince: new Date(now).toISOString() }
}

function signingSince({ clientKeys: [signing] }: KeyRing): number {
  return Date.parse(String((signing as { usedSince?: unknown } | undefined)?.usedSince))
}
