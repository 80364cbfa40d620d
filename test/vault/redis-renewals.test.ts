// How long an instance may serve what it keeps: a renewal counts from before it was asked for, by both
// clocks, and not at all where the connection was lost on the way.

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { createRedisLeases, LEASE_MS } from '../../src/vault/redis-leases.ts'

/** An instance whose renewals are answered by the test, and what it was told to forget. */
function begin(t: TestContext) {
  const asked: PromiseWithResolvers<unknown>[] = []
  const forgotten: (string | undefined)[] = []
  const leases = createRedisLeases({
    ask(name) {
      if (name !== 'EVAL') return Promise.resolve(0)
      const renewal = Promise.withResolvers<unknown>()
      asked.push(renewal)
      return renewal.promise
    },
    onEnd: id => void forgotten.push(id),
  })
  const answer = async (seq = '0', ends: string[] = [], epoch = 'run.1') => {
    asked.at(-1)?.resolve([epoch, seq, ends])
    await turn()
  }
  const isHeld = () => leases.isHeld(performance.now())
  t.after(async () => {
    const closing = leases.close()
    await answer()
    await closing
  })
  return { leases, asked, forgotten, answer, isHeld }
}

test('[K19] nothing is served before the first renewal is answered, nor when a lease is over', async t => {
  const { leases, answer, isHeld } = begin(t)
  assert.equal(isHeld(), false)
  const before = performance.now()
  await answer()
  assert.equal(isHeld(), true)
  assert.equal(leases.isHeld(before + LEASE_MS + 1), false)
})

test('[K19] a machine that slept serves nothing of before, whatever its steady clock says', async t => {
  const { answer, isHeld } = begin(t)
  await answer()
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() + LEASE_MS + 1 })
  assert.equal(isHeld(), false)
})

test('[K19, V11] a renewal that was on its way when the connection broke renews nothing', async t => {
  const { leases, asked, forgotten, answer, isHeld } = begin(t)
  leases.lose()
  await answer()
  assert.equal(isHeld(), false)
  assert.equal(asked.length, 2)
  await answer()
  assert.equal(isHeld(), true)
  leases.lose()
  assert.equal(isHeld(), false)
  assert.equal(forgotten.at(-1), undefined)
})

test('[K19, V11] a renewal that fails ends the lease, and everything is forgotten', async t => {
  const { leases, asked, forgotten, answer, isHeld } = begin(t)
  await answer()
  forgotten.splice(0)
  leases.note('fhirstorm:{instances}:ends')
  asked.at(-1)?.reject(new Error('away'))
  await turn()
  assert.equal(isHeld(), false)
  assert.deepEqual(forgotten, [undefined])
})

test('[K5, K19] ends that a renewal tells are forgotten one by one, and all where one may be missing', async t => {
  const { leases, forgotten, answer } = begin(t)
  await answer()
  for (const [seq, ends, epoch, expected] of [
    ['2', ['1 a', '2 b c'], 'run.1', ['a', 'b c']],
    ['5', ['5 e'], 'run.1', [undefined]],
    ['5', [], 'run.2', [undefined]],
  ] as const) {
    forgotten.splice(0)
    leases.note('fhirstorm:{instances}:ends')
    await answer(seq, [...ends], epoch)
    // The next one tells that these were read.
    if (ends.length > 0) await answer(seq, [], epoch)
    assert.deepEqual(forgotten, expected)
  }
})
