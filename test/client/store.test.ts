// The store as React's useSyncExternalStore uses one: without `this`, with stable references.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createStore } from '../../client/store.ts'

test('tells of changes alone, works without this, and rests when nobody listens', () => {
  const log: string[] = []
  const { subscribe, getSnapshot, getServerSnapshot, set } = createStore(0, () => {
    log.push('used')
    return () => log.push('rests')
  })
  const listener = () => log.push(`heard ${getSnapshot()}`)
  const [first, second] = [subscribe(listener), subscribe(listener)]
  set(1)
  set(1)
  first()
  first()
  set(2)
  second()
  set(3)
  assert.deepEqual(log, ['used', 'heard 1', 'heard 1', 'heard 2', 'rests'])
  assert.equal(getSnapshot(), 3)
  assert.equal(getServerSnapshot(), 0)
})
