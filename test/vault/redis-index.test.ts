// What is found of records that may be gone, and whom that is told before it counts.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createRedisFinder } from '../../src/vault/redis-index.ts'

/** A finder over records by id; all stand in every index, and the steps that were taken. */
function build(ids: readonly string[], live: readonly string[]) {
  const steps: string[] = []
  const finder = createRedisFinder({
    link: {
      async send(_key, name, ...words) {
        if (name === 'ZRANGEBYSCORE') return [...ids]
        steps.push(`${name} ${words.slice(1)}`)
        return words.length
      },
    },
    leases: { tell: async told => void steps.push(`tell ${told}`) },
    now: () => 0,
    ready: async () => {},
    readHead: async id =>
      live.includes(id) ? { generation: 1, lastUsedAt: 0, expiresAt: 1 } : undefined,
  })
  return { finder, steps }
}

test('[K5, K19] a record that lives is not gone, and one that is gone is told of first', async () => {
  const { finder, steps } = build([], ['a'])
  assert.equal(await finder.isGone('a'), false)
  assert.deepEqual(steps, [])
  assert.equal(await finder.isGone('b'), true)
  assert.deepEqual(steps, ['tell b'])
})

test('[K5, K19] what is gone is told of before it is forgotten, by whoever is about to end what is found', async () => {
  const { finder, steps } = build(['a', 'b', 'c'], ['b'])
  const found = await finder.find('entry', { settled: true })
  assert.deepEqual(
    found.map(({ id }) => id),
    ['b'],
  )
  assert.deepEqual(steps, ['tell a,c', 'ZREM a,c'])
  const look = build(['a', 'b', 'c'], ['b'])
  await look.finder.find('entry')
  assert.deepEqual(look.steps, [])
  const whole = build(['a', 'b'], ['a', 'b'])
  assert.equal((await whole.finder.find('entry', { settled: true })).length, 2)
  assert.deepEqual(whole.steps, [])
})
