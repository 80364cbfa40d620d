// The server's clock, as its answers tell it (Date), because the clock of this computer may be wrong.

export interface Clock {
  /** Takes the time of an answer that has just come, in milliseconds; NaN is none. */
  observe(time: number): void
  /** The server's time in milliseconds; this computer's until the server was heard. */
  now(): number
}

/**
 * A clock that goes on by itself between two answers: by the steady clock, or by the computer's where
 * that one has gone further, as it has after sleep.
 */
export function createClock(): Clock {
  let last: { server: number; steady: number; wall: number } | undefined

  return {
    observe(server) {
      if (Number.isNaN(server)) return
      last = { server, steady: performance.now(), wall: Date.now() }
    },
    now() {
      if (last === undefined) return Date.now()
      return last.server + Math.max(performance.now() - last.steady, Date.now() - last.wall)
    },
  }
}

/** The server's time that an answer carries, in milliseconds; NaN where it carries none. */
export function readTime({ headers }: Response): number {
  return Date.parse(headers.get('date') ?? '')
}
