// How many sessions live, by EHR, for whoever watches: the vault is asked no more than once in a while,
// however often they look. The clock is passed in.

import type { SessionStore } from './store.ts'

type Counts = readonly (readonly [ehr: string, count: number])[]

const HOLD_MS = 15_000

/** Counts the live sessions of these EHRs; what was counted a moment ago is told again. */
export function createLiveCount(
  store: Pick<SessionStore, 'find'>,
  ehrs: readonly string[],
  clock: () => number,
): () => Promise<Counts> {
  let last: { at: number; counts: Promise<Counts> } | undefined

  return () => {
    const at = clock()
    if (last === undefined || at - last.at >= HOLD_MS) last = { at, counts: count() }
    return last.counts
  }

  async function count(): Promise<Counts> {
    const counts: (readonly [string, number])[] = []
    for (const ehr of ehrs) counts.push([ehr, (await store.find('ehr', ehr)).length])
    return counts
  }
}
