// The product's time in a test: it goes on by itself until it is stopped, and from then on only when the
// test says so, so that no test depends on how long it takes.

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { World } from './world.ts'

export interface Time {
  /** For the world's `now`. */
  now(): number
  /** Stands still from now on, and is so many minutes later. */
  pass(minutes: number): void
  /** Goes on by itself again, as the computer's does. */
  reset(): void
  /** Has the world's answers carry this time as their Date. */
  show(world: World): void
}

/** A time that goes as the computer's does. */
export function createTime(): Time {
  let stopped: number | undefined
  const now = () => stopped ?? Date.now()
  return {
    now,
    pass(minutes) {
      stopped = now() + minutes * 60_000
    },
    reset() {
      stopped = undefined
    },
    show({ server }) {
      server.server.prependListener('request', (_: IncomingMessage, answer: ServerResponse) => {
        answer.setHeader('date', new Date(now()).toUTCString())
      })
    },
  }
}
