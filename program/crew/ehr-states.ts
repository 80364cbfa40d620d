// What several processes know of the EHRs, as one: the discovery that was confirmed last, and of the traffic what
// was seen last by any of them. Pure.

import type { EhrState } from '../../plugins/discovery.ts'

type Traffic = NonNullable<EhrState['traffic']>

/** One state for each EHR, in the order of the first list. */
export function mergeEhrStates(lists: readonly (readonly EhrState[])[]): EhrState[] {
  const all = lists.flat()
  const ids = [...new Set(all.map(({ ehr }) => ehr))]
  return ids.flatMap(id => {
    const states = all.filter(({ ehr }) => ehr === id)
    const [latest] = states.toSorted((a, b) => confirmedAt(b) - confirmedAt(a))
    const traffic = states.flatMap(one => one.traffic ?? [])
    return latest ? [{ ...latest, ...(traffic.length > 0 && { traffic: merge(traffic) }) }] : []
  })
}

function confirmedAt({ discoveredAt = 0, failure }: EhrState): number {
  return Math.max(discoveredAt, failure?.at ?? 0)
}

function merge(traffic: readonly Traffic[]): Traffic {
  const successes = traffic.flatMap(({ lastSuccessAt }) => lastSuccessAt ?? [])
  const failures = traffic.flatMap(({ lastFailure }) => lastFailure ?? [])
  return {
    isDown: traffic.some(({ isDown }) => isDown),
    isResting: traffic.some(({ isResting }) => isResting),
    ...(successes.length > 0 && { lastSuccessAt: Math.max(...successes) }),
    ...(failures.length > 0 && { lastFailure: failures.toSorted((a, b) => b.at - a.at)[0] }),
  }
}
