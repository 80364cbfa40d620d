// Which of what an instance has read of Redis it may still serve. Each instance renews a lease in the
// store, and is told with each renewal which records have ended since the one before; a push of the
// store makes it ask at once. Who ends a record asks all who hold a lease, and waits until each has read
// of the end, or until its lease has run out. A lease counts from before it was asked for, by a clock
// that nobody sets, and by the time of day as well (a machine that slept); one that could not be
// renewed, or whose connection broke, is over at once.

import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { ENDS, FORGET, INSTANCES, MEMBER, RENEW, TELL } from './redis-lease-scripts.ts'
import { createRedisWaits } from './redis-waits.ts'
import type { RecordId } from './vault.ts'

/** How long anything that was read may be served without another word of the store. */
export const LEASE_MS = 1_000
const RENEW_MS = 250
/** What clocks of two machines may differ by within a lease. */
const MARGIN_MS = 50
/** After so long nobody gives what was gone before, whether or not they were told. */
export const LONGEST_KEPT_MS = LEASE_MS + MARGIN_MS

export interface RedisLeases {
  /** True while what this instance keeps may be served; the time is `performance.now()`. */
  isHeld(at: number): boolean
  /** The store says that this key has changed. */
  note(key: string): void
  /** The connection broke, and whatever it would have told with it. */
  lose(): void
  /** The store tells of ends while they happen; what it tells is not heard by all, nor in order. */
  hear(message: string): void
  /** Resolves when no instance serves these records, which are gone, within a lease. */
  tell(ids: readonly RecordId[]): Promise<void>
  /** The same for records whose end the store has told, as TELL answers. */
  settle(told: unknown): Promise<void>
  /** Gives the lease back. */
  close(): Promise<void>
}

interface LeasesOptions {
  ask: (...command: string[]) => Promise<unknown>
  /** This record has ended elsewhere; without an id, any may have. */
  onEnd: (id?: RecordId) => void
}

/** Begins to renew; nothing is held before the first answer. */
export function createRedisLeases({ ask, onEnd }: LeasesOptions): RedisLeases {
  const instance = randomUUID()
  const waits = createRedisWaits(() => ask('HGETALL', INSTANCES))
  let heldUntil = { steady: 0, wall: 0 }
  let epoch = ''
  let seq = '0'
  let renewals = 0
  let losses = 0
  let isBehind = false
  /** Ends are heard of by what the store tells; else by asking when their set has changed. */
  let isListening = false
  let isClosed = false
  let catchingUp: Promise<void> | undefined
  const timer = setInterval(wake, RENEW_MS).unref()
  wake()

  return {
    isHeld,
    note(key) {
      if (key === ENDS && !isListening) wake()
      if (key === INSTANCES) waits.wake()
    },
    lose() {
      isListening = false
      drop()
      wake()
    },
    hear(message) {
      const [about, number, ...ids] = message.split(' ')
      // One more than what was read: with it, all up to its number have been.
      if (about === epoch && Number(number) === Number(seq) + ids.length) {
        for (const id of ids) onEnd(id)
        seq = String(number)
        isListening = true
      }
      wake()
    },
    tell: ids => withinLease(async () => await ask('EVAL', TELL, '2', INSTANCES, ENDS, ...ids)),
    settle: told => withinLease(() => told),
    async close() {
      isClosed = true
      clearInterval(timer)
      drop()
      await catchingUp
      const field = `${MEMBER}${instance}`
      await ask('HDEL', INSTANCES, field).catch(() => undefined)
    },
  }

  function isHeld(at: number): boolean {
    return at < heldUntil.steady && Date.now() < heldUntil.wall
  }

  function drop(): void {
    heldUntil = { steady: 0, wall: 0 }
    losses++
    onEnd()
  }

  function wake(): void {
    isBehind = true
    catchingUp ??= catchUp()
  }

  async function catchUp(): Promise<void> {
    while (isBehind && !isClosed) {
      isBehind = false
      try {
        await renew()
      } catch {
        drop()
      }
    }
    // In the step that found nothing behind: who wakes in the next one begins anew.
    catchingUp = undefined
  }

  async function renew(): Promise<void> {
    const before = { steady: performance.now(), wall: Date.now() }
    const lossesBefore = losses
    const [from, epochBefore] = [Number(seq), epoch]
    const words = [instance, epoch, seq, `${++renewals}`]
    // The first is there to be told of the next change; it stands before the script that reads all.
    const [, reply] = await Promise.all([
      isListening || ask('ZCARD', ENDS),
      ask('EVAL', RENEW, '2', INSTANCES, ENDS, ...words),
    ])
    const [current, last, ends] = reply as [string, string, string[]]
    const isWhole = current === epochBefore && ends.length === Number(last) - from
    if (isWhole) for (const end of ends) onEnd(end.slice(end.indexOf(' ') + 1))
    else onEnd()
    // What was heard meanwhile may be more than this answer knows of.
    if (current !== epoch || Number(last) > Number(seq)) {
      seq = last
      isListening = false
    }
    epoch = current
    // The next renewal tells that these were read.
    if (ends.length > 0) isBehind = true
    if (losses !== lossesBefore) return
    if (!isHeld(performance.now())) onEnd()
    heldUntil = { steady: before.steady + LEASE_MS, wall: before.wall + LEASE_MS }
  }

  async function withinLease(tell: () => unknown): Promise<void> {
    const removedAt = performance.now()
    try {
      await waitForAll(await tell())
    } catch {
      // Nobody can be told: every head that anybody keeps was read within a lease before now.
      await pause(LONGEST_KEPT_MS - (performance.now() - removedAt))
    }
  }

  async function waitForAll(reply: unknown): Promise<void> {
    const [told, number, age, fields] = reply as [string, number, string, string[]]
    const over = performance.now() + LONGEST_KEPT_MS
    const members = new Map<string, string>()
    for (let i = 0; i < fields.length; i += 2) {
      const [field = '', value = ''] = fields.slice(i, i + 2)
      if (field.startsWith(MEMBER)) members.set(field, value)
    }
    // This one has let go of it already.
    members.delete(`${MEMBER}${instance}`)
    // Whoever held a lease of the run before may not be known to this one yet.
    if (!(Number(age) > LONGEST_KEPT_MS)) return await pause(over - performance.now())
    const silent = await waits.wait({ epoch: told, seq: number, members, over })
    // Their leases are over; whoever comes back asks for a new one, and is told what it missed.
    if (silent.length > 0) {
      void ask('EVAL', FORGET, '1', INSTANCES, ...silent.flat()).catch(() => undefined)
    }
  }
}
