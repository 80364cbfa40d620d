// How long the place of a worker that died stays empty: a moment, and longer each time that one dies young, so that
// what cannot live does not take the machine. Pure but for what it remembers; the clock is passed in.

/** Notes a death, with the time at which that worker began to serve, if it ever did; the pause in milliseconds. */
export type RestartPauses = (servedSince: number | undefined) => number

const FIRST_MS = 100
const LONGEST_MS = 10_000
/** Who served for so long did not die of its start. */
const GROWN_MS = 10_000

/** Nobody has died. */
export function createRestartPauses(now: () => number): RestartPauses {
  let young = 0
  return servedSince => {
    const isGrown = servedSince !== undefined && now() - servedSince >= GROWN_MS
    young = isGrown ? 0 : young + 1
    return Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.max(0, young - 1))
  }
}
