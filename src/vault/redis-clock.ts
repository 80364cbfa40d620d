// The time of day in Redis, which all instances share, whatever their own clocks say: the server is asked
// now and then, and a clock that nobody sets counts on from there. Clocks and the server are passed in
// (attacks F10).

export interface RedisClock {
  /** Milliseconds since 1970, whole ones. */
  now(): number
  /** Asks the server; where it does not answer soon, what is known goes on. */
  sync(): Promise<void>
}

/** An answer that took longer says too little of when it was given. */
const MAX_ROUND_TRIP_MS = 1_000

/** `ask` gives the server's seconds and microseconds (TIME); until then `now` is as good as any. */
export function createRedisClock(
  ask: () => Promise<unknown>,
  { now, steady }: { now: () => number; steady: () => number },
): RedisClock {
  let ahead = now() - steady()
  return {
    now: () => Math.round(steady() + ahead),
    async sync() {
      const before = steady()
      const [seconds, microseconds] = (await ask().catch(() => [])) as unknown[]
      const after = steady()
      const time = Number(seconds) * 1000 + Number(microseconds) / 1000
      if (Number.isNaN(time) || after - before > MAX_ROUND_TRIP_MS) return
      ahead = time - (before + after) / 2
    },
  }
}
