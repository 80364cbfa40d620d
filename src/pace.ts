// How many logins may begin within a while: at one EHR by one caller, at one EHR, and in all, because
// each may lie in the store until its time is over. Nobody may begin more than is left over for the
// others. The clock is passed in (attacks L22, DS2).

import { type Share, take } from './share.ts'

export interface PaceLimits {
  caller: number
  ehr: number
  all: number
  /** In milliseconds. */
  windowMs: number
}

/** Counts one beginning and gives 0, or gives the milliseconds until there may be more again. */
export type Pace = (ehr: string, caller: string) => number

/** Nothing has begun yet. */
export function createPace({ caller, ehr, all, windowMs }: PaceLimits, now: () => number): Pace {
  let endsAt = now() + windowMs
  let whole: Share = { held: 0, limit: all }
  // Only those that have begun something: as many as there are beginnings, at most.
  const holders = new Map<string, Share>()

  return (atEhr, byCaller) => {
    const at = now()
    if (at >= endsAt) {
      endsAt = at + windowMs
      whole = { held: 0, limit: all }
      holders.clear()
    }
    const name = `${atEhr} ${byCaller}`
    const ofEhr = holders.get(atEhr) ?? { held: 0, limit: ehr, within: whole }
    const own = holders.get(name) ?? { held: 0, limit: caller, within: ofEhr }
    if (!take(own, 1)) return endsAt - at
    holders.set(atEhr, ofEhr).set(name, own)
    return 0
  }
}
