// Independent steps with the store, taken together: so many at a time, so that a thousand neither wait
// for each other's acknowledgement nor hold up the event loop.

import { setImmediate as nextTurn } from 'node:timers/promises'

/**
 * Takes a step for each item, `size` of them at a time, whatever becomes of the others; resolves with all
 * outcomes in the order of the items.
 */
export async function settleInBatches<T, R>(
  items: readonly T[],
  size: number,
  step: (item: T) => Promise<R>,
): Promise<PromiseSettledResult<R>[]> {
  const outcomes: PromiseSettledResult<R>[] = []
  for (let i = 0; i < items.length; i += size) {
    if (i > 0) await nextTurn()
    outcomes.push(...(await Promise.allSettled(items.slice(i, i + size).map(step))))
  }
  return outcomes
}

/**
 * The same where each must succeed: resolves with the values, and rejects with the first failure, in order,
 * when nothing of its batch is under way any more.
 */
export async function runInBatches<T, R>(
  items: readonly T[],
  size: number,
  step: (item: T) => Promise<R>,
): Promise<R[]> {
  const values: R[] = []
  for (let i = 0; i < items.length; i += size) {
    const outcomes = await settleInBatches(items.slice(i, i + size), size, step)
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') throw outcome.reason
      values.push(outcome.value)
    }
    await nextTurn()
  }
  return values
}
