// What happens to this browser's sessions, as it happens: told by fhirstorm, by the other tabs, and by
// what this tab itself does. Runs as long as somebody subscribes.

import type { Caller } from './call.ts'
import type { Clock } from './clock.ts'
import { type Countdown, createCountdowns } from './countdown.ts'
import type { SessionDocument } from './document.ts'
import { hearPage, nameJar } from './page.ts'
import { listen } from './source.ts'
import { callEach, createStore, type Store } from './store.ts'
import { createTabs } from './tabs.ts'
import {
  change,
  findEndings,
  isInDoubt,
  unknown,
  type WatchEvent,
  type Watched,
} from './watched.ts'

export interface WatchOptions {
  caller: Caller
  clock: Clock
  /** Seconds before its end from which a session is expiring. */
  warnSeconds: number
  /** Seconds between two questions where fhirstorm offers no stream of events. */
  pollSeconds: number
}

export interface Watch {
  store: Store<Watched>
  countdown(id: string): Store<Countdown | undefined>
  /** Hears each event that says something new; the returned function ends that. */
  on(listener: (event: WatchEvent) => void): () => void
  /** Asks for the list of sessions, and takes it. */
  list(): Promise<readonly SessionDocument[]>
  /** Takes what this tab knows, and tells the other tabs. */
  tell(event: WatchEvent): void
  /** A session was used: it lasts longer than is known. */
  noteUse(id: string): void
  /** Finds out whether fhirstorm answers. */
  check(): void
}

/** After so long another list is of a later second. */
const DOUBT_MS = 1_100

/** A watch; it asks nothing of anybody before somebody subscribes. */
export function createWatch({ caller, clock, warnSeconds, pollSeconds }: WatchOptions): Watch {
  const listeners = new Set<(event: WatchEvent) => void>()
  const store = createStore<Watched>(unknown, run)
  const tabs = createTabs({
    name: () => ['fhirstorm', caller.url('').href, nameJar()].join(' ').trim(),
    hear: take,
    listen: signal => listen({ caller, tell, ask, pollSeconds }, signal),
  })
  const countdowns = createCountdowns({ clock, watched: store, warnSeconds, ask, tell })
  let asking: Promise<void> | undefined
  let isRunning = false
  let useTimer: ReturnType<typeof setTimeout> | undefined
  let doubtTimer: ReturnType<typeof setTimeout> | undefined

  return {
    store,
    countdown: countdowns.of,
    on(listener) {
      listeners.add(listener)
      const unsubscribe = store.subscribe(() => undefined)
      return () => {
        listeners.delete(listener)
        unsubscribe()
      }
    },
    list,
    tell,
    check: () => void (isRunning && ask()),
    noteUse(id) {
      if (!isRunning || useTimer !== undefined) return
      const { isExpiring = false } = countdowns.of(id).getSnapshot() ?? {}
      useTimer = setTimeout(
        () => {
          useTimer = undefined
          void ask()
        },
        isExpiring ? 0 : pollSeconds * 1_000,
      )
    },
  }

  function run(): () => void {
    isRunning = true
    tabs.join()
    const stopCounting = countdowns.start()
    const deafen = hearPage({
      onShow() {
        void ask()
        tabs.lead()
      },
      onLeave: tabs.leave,
      onReturn() {
        tabs.join()
        void ask()
      },
    })
    return () => {
      isRunning = false
      clearTimeout(useTimer)
      clearTimeout(doubtTimer)
      useTimer = undefined
      deafen()
      stopCounting()
      tabs.leave()
    }
  }

  async function list(): Promise<readonly SessionDocument[]> {
    const askedAt = clock.now()
    const { value, at } = await caller.read<SessionDocument[]>('sessions', { cache: 'no-store' })
    tell({ type: 'sessions', sessions: value, at: at || askedAt })
    return value
  }

  // One question at a time, however many ask.
  function ask(): Promise<void> {
    asking ??= list()
      .then(
        () => undefined,
        () => tell({ type: 'unreachable' }),
      )
      .finally(() => {
        asking = undefined
      })
    return asking
  }

  function tell(event: WatchEvent): void {
    if (take(event)) tabs.tell(event)
    if (!isRunning || !isInDoubt(store.getSnapshot(), event)) return
    clearTimeout(doubtTimer)
    doubtTimer = setTimeout(() => void ask(), DOUBT_MS)
  }

  /** Takes an event; whether it said something new. */
  function take(event: WatchEvent): boolean {
    let isNew = false
    for (const one of [...findEndings(store.getSnapshot(), event), event]) {
      const next = change(store.getSnapshot(), one)
      if (next === store.getSnapshot() && one.type !== 'expiring') continue
      isNew = true
      store.set(next)
      countdowns.show()
      callEach(listeners, one)
    }
    return isNew
  }
}
