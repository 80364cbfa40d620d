// The requests that are under way to EHRs. One timer watches over all of them, instead of several per
// request, and gives them their coarse clock; a session that ends anywhere has its streams cut here.

import type { BrokerError } from '../errors.ts'
import type { OpenSession } from '../session/session.ts'

/** One request under way. */
export interface Stream {
  readonly open: OpenSession
  /** Events, whose silence is no sign that somebody uses the session. */
  readonly isLive: boolean
  /** Ends the stream when something takes too long. */
  check(now: number): void
  /** Ends both sides: refuses with the error while nothing has been sent, cuts the answer after. */
  abort(error: BrokerError): void
}

export interface Running {
  /** Time of the last tick, in milliseconds. */
  readonly now: number
  add(stream: Stream): void
  delete(stream: Stream): void
  /** The sessions that have streams, each once; `inUse` when not all of them are events. */
  sessions(): { open: OpenSession; inUse: boolean }[]
  /** Ends all streams of a session; returns how many there were. */
  abort(sessionId: string, error: BrokerError): number
  /** Looks after every stream; to be called a few times a second. */
  tick(): void
}

/** An empty registry; the clock is passed in. */
export function createRunning(clock: () => number): Running {
  const streams = new Set<Stream>()
  const running = {
    now: clock(),
    add: (stream: Stream) => void streams.add(stream),
    delete: (stream: Stream) => void streams.delete(stream),
    sessions() {
      const byId = new Map<string, { open: OpenSession; inUse: boolean }>()
      for (const { open, isLive } of streams) {
        const inUse = !isLive || (byId.get(open.session.id)?.inUse ?? false)
        byId.set(open.session.id, { open, inUse })
      }
      return [...byId.values()]
    },
    abort(sessionId: string, error: BrokerError) {
      const own = [...streams].filter(({ open }) => open.session.id === sessionId)
      for (const stream of own) stream.abort(error)
      return own.length
    },
    tick() {
      running.now = clock()
      for (const stream of streams) stream.check(running.now)
    },
  }
  return running
}
