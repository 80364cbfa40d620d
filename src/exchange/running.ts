// The requests that are under way to EHRs. One timer watches over all of them, instead of several per
// request, and gives them their coarse clock; a session that ends anywhere has its streams cut here.

import type { BrokerError } from '../errors.ts'
import type { ProxiedSession } from './proxied-session.ts'

/** One request under way. */
export interface Stream {
  readonly open: ProxiedSession
  /** Events, whose silence is no sign that somebody uses the session. */
  readonly isLive: boolean
  /** Where the registry keeps it; the registry's own. */
  place: number
  /** Ends the stream when something takes too long. */
  check(now: number): void
  /** Ends both sides: refuses with the error while nothing has been sent, cuts the answer after. */
  abort(error: BrokerError): void
}

export interface Running {
  /** Time by the ticks so far, in milliseconds; only differences mean anything. */
  readonly now: number
  add(stream: Stream): void
  delete(stream: Stream): void
  /** How many there are by EHR, events or others. */
  count(isLive: boolean): Map<string, number>
  /** The sessions that have streams, each once; `inUse` when not all of them are events. */
  sessions(): { open: ProxiedSession; inUse: boolean }[]
  /** Ends all streams of a session; returns how many there were. */
  abort(sessionId: string, error: BrokerError): number
  /** Looks after every stream; to be called a few times a second. */
  tick(): void
}

/** A tick that is later than this, in milliseconds, counts as no later. */
const LONGEST_STEP_MS = 300

/**
 * An empty registry; the clock is passed in. While this process stands still nobody is heard, which
 * must not count as anybody's silence: the time of the ticks falls behind the clock then. A list in which a place that becomes free is filled by
 * the last: the tables behind a Set, replaced every few requests, would keep each other and all past
 * requests alive until a full collection.
 */
export function createRunning(clock: () => number): Running {
  const streams: Stream[] = []
  let seen = clock()
  const running = {
    now: 0,
    add(stream: Stream) {
      stream.place = streams.push(stream) - 1
    },
    delete(stream: Stream) {
      if (streams[stream.place] !== stream) return
      const last = streams.pop() as Stream
      if (last === stream) return
      streams[stream.place] = last
      last.place = stream.place
    },
    count(isLive: boolean) {
      const counts = new Map<string, number>()
      for (const stream of streams) {
        if (stream.isLive !== isLive) continue
        const { ehr } = stream.open.session
        counts.set(ehr, (counts.get(ehr) ?? 0) + 1)
      }
      return counts
    },
    sessions() {
      const byId = new Map<string, { open: ProxiedSession; inUse: boolean }>()
      for (const { open, isLive } of streams) {
        const inUse = !isLive || (byId.get(open.session.id)?.inUse ?? false)
        byId.set(open.session.id, { open, inUse })
      }
      return [...byId.values()]
    },
    abort(sessionId: string, error: BrokerError) {
      const own = streams.filter(({ open }) => open.session.id === sessionId)
      for (const stream of own) stream.abort(error)
      return own.length
    },
    tick() {
      const time = clock()
      running.now += Math.min(time - seen, LONGEST_STEP_MS)
      seen = time
      // A copy: a stream that ends leaves the list.
      for (const stream of [...streams]) stream.check(running.now)
    },
  }
  return running
}
