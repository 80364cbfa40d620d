// The tabs of one browser share what they hear: one of them, the one that was shown last, listens to
// fhirstorm and tells the others (BroadcastChannel). So ten tabs need one connection, a tab that sleeps
// in the background keeps nobody waiting, and when that one is closed the next takes its place (Web
// Locks). Without locks, or where the browser refuses them, each tab listens by itself.

import { type Channel, findLocks, isVisible, openChannel } from './page.ts'
import type { WatchEvent } from './watched.ts'

export interface Tabs {
  /** Tells the other tabs. */
  tell(event: WatchEvent): void
  /** Takes part from now on: hears the others, and leads when it is its turn. */
  join(): void
  /** Takes the lead, as the tab that is shown. */
  lead(): void
  leave(): void
}

export interface TabsOptions {
  /** The same for all tabs that share sessions, and for no others. */
  name(): string
  /** Hears what another tab tells. */
  hear(event: WatchEvent): void
  /** What the leading tab does, until it is told to stop. */
  listen(signal: AbortSignal): Promise<void>
}

/** This tab among the others; it takes no part yet. */
export function createTabs({ name, hear, listen }: TabsOptions): Tabs {
  let channel: Channel | undefined
  let turn: AbortController | undefined
  let isLeading = false

  return {
    tell(event) {
      const open = channel ?? openChannel(name())
      open?.postMessage(event)
      if (open !== channel) open?.close()
    },
    join() {
      channel = openChannel(name())
      if (channel !== undefined) channel.onmessage = ({ data }) => hear(data)
      take(isVisible())
    },
    lead() {
      if (turn !== undefined && !isLeading && findLocks() !== undefined) take(true)
    },
    leave() {
      turn?.abort()
      turn = undefined
      channel?.close()
      channel = undefined
    },
  }

  // Waits for the lead, or takes it from the tab that has it, and waits again when it was taken. Who gets
  // no lock at all, as in a frame without storage of its own, listens by itself.
  function take(steals: boolean): void {
    turn?.abort()
    const mine = new AbortController()
    turn = mine
    let wasGranted = false
    const work = async () => {
      wasGranted = true
      isLeading = true
      await listen(mine.signal).finally(() => {
        isLeading = false
      })
    }
    const locks = findLocks()
    if (locks === undefined) {
      void work()
      return
    }
    const options = steals ? { steal: true } : { signal: mine.signal }
    locks.request(name(), options, work).catch(() => {
      if (turn !== mine || mine.signal.aborted) return
      if (wasGranted) take(false)
      else void work()
    })
  }
}
