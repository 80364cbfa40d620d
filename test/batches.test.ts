// Steps that are taken together: whatever becomes of one of them, the others of its batch are taken, and what
// comes of it is told by each in its place, or by the first that failed.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runInBatches, settleInBatches } from '../src/batches.ts'

const items = [0, 1, 2, 3, 4, 5, 6]

/** A step that fails at these items, and what it was asked for. */
function build(failing: readonly number[] = []) {
  const taken: number[] = []
  let underWay = 0
  let most = 0
  const step = async (item: number) => {
    taken.push(item)
    most = Math.max(most, ++underWay)
    await new Promise(setImmediate)
    underWay--
    if (failing.includes(item)) throw new Error(`at ${item}`)
    return item * 2
  }
  return { step, taken, underWay: () => underWay, most: () => most }
}

test('a batch is so many at a time, and outcomes stand in the order of the items', async () => {
  const all = build()
  assert.deepEqual(await runInBatches(items, 3, all.step), [0, 2, 4, 6, 8, 10, 12])
  assert.deepEqual([all.taken, all.most()], [items, 3])
  const some = build([1, 5])
  const outcomes = await settleInBatches(items, 3, some.step)
  assert.deepEqual(
    outcomes.map(each => (each.status === 'fulfilled' ? each.value : each.reason.message)),
    [0, 'at 1', 4, 6, 8, 'at 5', 12],
  )
  assert.deepEqual([some.taken, some.most()], [items, 3])
  assert.deepEqual(await runInBatches([], 3, some.step), [])
})

test('where each must succeed the first failure ends it, when nothing of its batch is under way', async () => {
  const { step, taken, underWay } = build([4, 5])
  await assert.rejects(runInBatches(items, 3, step), { message: 'at 4' })
  assert.deepEqual([taken, underWay()], [[0, 1, 2, 3, 4, 5], 0])
})
