// Heads kept beside Redis: read once for all, and never kept when they changed on the way.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createRedisHeads } from '../../src/vault/redis-heads.ts'
import type { Head } from '../../src/vault/vault.ts'

const now = () => 1_000
const head = (generation: number): Head => ({ generation, lastUsedAt: 0, expiresAt: 2_000 })

function createStore(isHeld = () => true) {
  const asked: PromiseWithResolvers<Head | undefined>[] = []
  const heads = createRedisHeads(
    () => {
      const question = Promise.withResolvers<Head | undefined>()
      asked.push(question)
      return question.promise
    },
    now,
    isHeld,
  )
  return { asked, heads }
}

test('[K19] a head is read once for all who ask, and given at once from then on', async () => {
  const { asked, heads } = createStore()
  const both = [heads.get('a'), heads.get('a')]
  assert.equal(asked.length, 1)
  asked[0]?.resolve(head(1))
  assert.deepEqual(await Promise.all(both), [head(1), head(1)])
  assert.deepEqual(heads.get('a'), head(1))
  heads.expire('b')
  assert.deepEqual(heads.get('a'), head(1))
})

test('[K19] a head that changed, or may have, is read anew', async () => {
  for (const changed of ['a', undefined]) {
    const { asked, heads } = createStore()
    const first = heads.get('a')
    asked[0]?.resolve(head(1))
    await first
    heads.expire(changed)
    const second = heads.get('a')
    assert.equal(asked.length, 2)
    asked[1]?.resolve(head(2))
    assert.deepEqual(await second, head(2))
  }
})

test('[K19] a head that changed while it was read is not kept', async () => {
  for (const changed of ['a', undefined]) {
    const { asked, heads } = createStore()
    const outrun = heads.get('a')
    heads.expire(changed)
    const later = heads.get('a')
    assert.equal(asked.length, 2)
    asked[1]?.resolve(head(2))
    await later
    asked[0]?.resolve(head(1))
    await outrun
    assert.deepEqual(heads.get('a'), head(2))
  }
})

test('a head that could not be read, or is none, is asked for again', async () => {
  const { asked, heads } = createStore()
  const failed = heads.get('a')
  asked[0]?.reject(new Error('away'))
  await assert.rejects(async () => await failed)
  const none = heads.get('a')
  asked[1]?.resolve(undefined)
  assert.equal(await none, undefined)
  assert.ok(heads.get('a') instanceof Promise)
})

test('a head that is kept ends with its record', async () => {
  const { asked, heads } = createStore()
  const read = heads.get('a')
  asked[0]?.resolve({ ...head(1), expiresAt: 1_000 })
  await read
  assert.equal(heads.get('a'), undefined)
})

test('[K19] without a lease nothing is kept, and nothing that was kept is given', async () => {
  let held = true
  const { asked, heads } = createStore(() => held)
  const first = heads.get('a')
  asked[0]?.resolve(head(1))
  await first
  held = false
  const both = [heads.get('a'), heads.get('a')]
  assert.equal(asked.length, 3)
  asked[1]?.resolve(undefined)
  asked[2]?.resolve(undefined)
  assert.deepEqual(await Promise.all(both), [undefined, undefined])
})
