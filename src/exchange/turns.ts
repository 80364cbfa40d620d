// Long work in slices: one slice in each turn of the event loop, whoever's it is, so that a hundred who
// have work delay everybody else no longer than one. Sockets are no such border: a network read that
// finds more to read goes on for megabytes within one turn.

import { setImmediate } from 'node:timers/promises'

/** Resolves when the caller may do its next slice. */
export type Turns = () => Promise<void>

/** Makes a queue for turns; whoever waits gets one in the order of asking. */
export function createTurns(): Turns {
  let last = Promise.resolve()
  return () => {
    last = last.then(() => setImmediate())
    return last
  }
}
