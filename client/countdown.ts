// How long each session has left, counted down by the server's clock, second by second. A page never
// shows a record beyond its time: when that has run out, fhirstorm is asked, and no answer is an ending.

import type { Clock } from './clock.ts'
import type { SessionDocument } from './document.ts'
import { type Changeable, createStore, type Store } from './store.ts'
import type { WatchEvent, Watched } from './watched.ts'

export interface Countdown {
  /** Seconds until the session ends unless it is used, until it ends in any case, the lesser of both. */
  idle: number
  absolute: number
  left: number
  /** True when it is time to warn. */
  isExpiring: boolean
}

export interface CountdownsOptions {
  clock: Clock
  watched: Store<Watched>
  /** How many seconds before its end a session is expiring. */
  warnSeconds: number
  ask(): Promise<void>
  tell(event: WatchEvent): void
}

export interface Countdowns {
  /** The countdown of a session: undefined when there is no such session. Always the same store. */
  of(id: string): Store<Countdown | undefined>
  /** Begins to count, and to watch over the ends; the returned function stops it. */
  start(): () => void
  /** Shows what has changed in what is watched. */
  show(): void
}

const TICK_MS = 1_000

/** The countdowns of the sessions that are watched. */
export function createCountdowns(options: CountdownsOptions): Countdowns {
  const { clock, watched, warnSeconds, ask, tell } = options
  const stores = new Map<string, Changeable<Countdown | undefined>>()
  // The end, by session, that was warned of: a session that was used in time is warned of again.
  const warned = new Map<string, number>()

  return {
    of(id) {
      const there = stores.get(id)
      if (there !== undefined) return there
      const use = () => watched.subscribe(() => undefined)
      const store = createStore<Countdown | undefined>(undefined, use)
      store.set(read(id))
      stores.set(id, store)
      return store
    },
    start() {
      const ticks = setInterval(() => void tick(), TICK_MS)
      return () => clearInterval(ticks)
    },
    show,
  }

  async function tick(): Promise<void> {
    show()
    if (!watched.getSnapshot().sessions.some(isDue)) return
    // Before anybody is warned or shown the door: the session may have been used in another tab.
    await ask()
    for (const session of watched.getSnapshot().sessions) judge(session)
  }

  function show(): void {
    const { ended } = watched.getSnapshot()
    for (const [id, store] of stores) {
      const next = read(id)
      if (!isSame(store.getSnapshot(), next)) store.set(next)
    }
    for (const { id } of ended) {
      stores.delete(id)
      warned.delete(id)
    }
  }

  function isDue(session: SessionDocument): boolean {
    const left = endOf(session) - clock.now()
    return left <= 0 || (left <= warnSeconds * 1_000 && warned.get(session.id) !== endOf(session))
  }

  function judge(session: SessionDocument): void {
    const left = endOf(session) - clock.now()
    if (left <= 0) tell({ type: 'ended', id: session.id, reason: 'expired' })
    else if (isDue(session)) {
      warned.set(session.id, endOf(session))
      tell({ type: 'expiring', id: session.id })
    }
  }

  function read(id: string): Countdown | undefined {
    const session = watched.getSnapshot().sessions.find(one => one.id === id)
    if (session === undefined) return undefined
    const now = clock.now()
    const secondsTo = (at: string) => Math.max(0, Math.ceil((Date.parse(at) - now) / 1_000))
    const idle = secondsTo(session.idleExpiresAt)
    const absolute = secondsTo(session.expiresAt)
    const left = Math.min(idle, absolute)
    return { idle, absolute, left, isExpiring: left <= warnSeconds }
  }
}

function endOf({ idleExpiresAt, expiresAt }: SessionDocument): number {
  return Math.min(Date.parse(idleExpiresAt), Date.parse(expiresAt))
}

function isSame(one: Countdown | undefined, other: Countdown | undefined): boolean {
  return one?.idle === other?.idle && one?.absolute === other?.absolute
}
