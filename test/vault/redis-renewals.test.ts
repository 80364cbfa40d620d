// How long an instance may serve what it keeps, and how it hears of ends: a renewal counts from before it was asked
// for, by both clocks, and not at all where the connection was lost on the way; what was heard is in order or is
// asked for again; and whoever ends a record waits for the others, told or not.

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { setImmediate as turn, setTimeout as wait } from 'node:timers/promises'
import { RENEW } from '../../src/vault/redis-lease-scripts.ts'
import { createRedisLeases, LEASE_MS, LONGEST_KEPT_MS } from '../../src/vault/redis-leases.ts'

const ENDS = 'fhirstorm:{instances}:ends'

interface Renewal extends PromiseWithResolvers<unknown> {
  instance: string
  /** Up to where this instance says that it has read. */
  said: string
}

/** An instance whose renewals are answered by the test, and what it was told to forget. */
function begin(t: TestContext, told: (instance: string) => unknown = () => assert.fail('told')) {
  const renewals: Renewal[] = []
  const forgotten: (string | undefined)[] = []
  const commands: string[] = []
  const leases = createRedisLeases({
    async ask(...words) {
      const [name = '', script, , , , instance = '', epoch, seq] = words
      commands.push(name)
      if (name !== 'EVAL') return 0
      if (script !== RENEW) return told(renewals[0]?.instance ?? '')
      const renewal = { ...Promise.withResolvers<unknown>(), instance, said: `${epoch} ${seq}` }
      renewals.push(renewal)
      return await renewal.promise
    },
    onEnd: id => void forgotten.push(id),
  })
  /** Answers the renewal that is under way, and gives what was forgotten since the last time. */
  const answer = async (seq = '0', ends: readonly string[] = [], epoch = 'run.1') => {
    renewals.at(-1)?.resolve([epoch, seq, ends])
    await turn()
    return forgotten.splice(0)
  }
  /** Has it renew, though its time has not come. */
  const renew = async () => {
    leases.note(ENDS)
    await turn()
    return renewals.at(-1)?.said
  }
  t.after(async () => {
    const closing = leases.close()
    await answer()
    await closing
  })
  const isHeld = () => leases.isHeld(performance.now())
  return { leases, renewals, forgotten, commands, answer, renew, isHeld }
}

test('[K19] nothing is served before the first renewal is answered, nor when a lease is over', async t => {
  const { leases, answer, isHeld } = begin(t)
  assert.equal(isHeld(), false)
  const askedAt = performance.now()
  await wait(20)
  await answer()
  assert.equal(isHeld(), true)
  assert.equal(leases.isHeld(askedAt + LEASE_MS), false)
})

test('[K19] a machine that slept serves nothing of before, whatever its steady clock says', async t => {
  const now = Date.now()
  t.mock.timers.enable({ apis: ['Date'], now })
  const { answer, renew, isHeld } = begin(t)
  t.mock.timers.setTime(now + 500)
  await answer()
  assert.equal(isHeld(), true)
  t.mock.timers.setTime(now + LEASE_MS)
  assert.equal(isHeld(), false)
  // What was kept from before is forgotten as a whole before anything is served again.
  await renew()
  assert.deepEqual(await answer(), [undefined])
  assert.equal(isHeld(), true)
})

test('[K19, V11] a renewal that was on its way when the connection broke renews nothing', async t => {
  const { leases, renewals, forgotten, answer, isHeld } = begin(t)
  leases.lose()
  await answer()
  assert.equal(isHeld(), false)
  assert.equal(renewals.length, 2)
  await answer()
  assert.equal(isHeld(), true)
  leases.lose()
  assert.equal(isHeld(), false)
  assert.deepEqual(forgotten, [undefined])
})

test('[K19, V11] a renewal that fails ends the lease, and everything is forgotten', async t => {
  const { renewals, forgotten, answer, renew, isHeld } = begin(t)
  await answer()
  await renew()
  renewals.at(-1)?.reject(new Error('away'))
  await turn()
  assert.equal(isHeld(), false)
  assert.deepEqual(forgotten, [undefined])
})

test('[K5, K19] ends that a renewal tells are forgotten one by one, and all where one may be missing', async t => {
  const { renewals, answer, renew } = begin(t)
  await answer()
  for (const [before, seq, ends, epoch, expected] of [
    ['run.1 0', '2', ['1 a', '2 b c'], 'run.1', ['a', 'b c']],
    ['run.1 2', '5', ['5 e'], 'run.1', [undefined]],
    ['run.1 5', '3', [], 'run.2', [undefined]],
    ['run.2 3', '4', ['4 d'], 'run.2', ['d']],
    ['run.2 4', '4', [], 'run.3', [undefined]],
  ] as const) {
    assert.equal(await renew(), before)
    const count = renewals.length
    assert.deepEqual(await answer(seq, ends, epoch), expected)
    // The next one tells at once that these were read.
    assert.equal(renewals.length, count + Math.sign(ends.length))
    assert.deepEqual(await answer(seq, [], epoch), [])
  }
})

test('[K5, K19] what is heard in order is forgotten at once and counts as read, all else is asked for', async t => {
  const { leases, forgotten, commands, answer, renew } = begin(t)
  await answer()
  const hear = async (message: string) => {
    leases.hear(message)
    await turn()
    return forgotten.splice(0)
  }
  assert.deepEqual(await hear('run.1 1 a'), ['a'])
  assert.deepEqual(await answer('1'), [])
  assert.deepEqual(await hear('run.1 3 b c'), ['b', 'c'])
  assert.deepEqual(await answer('3'), [])
  commands.splice(0)
  assert.equal(await renew(), 'run.1 3')
  for (const other of ['run.1 5 e', 'run.2 4 d', 'run.1 3 c', 'run.1 x d', 'nonsense', '']) {
    assert.deepEqual(await hear(other), [], other)
  }
  // Who listens need not ask when the ends change.
  assert.equal(commands.includes('ZCARD'), false)
  assert.deepEqual(await answer('3'), [])
  assert.equal(await renew(), 'run.1 3')
  assert.deepEqual(await answer('5', ['4 d', '5 e']), ['d', 'e'])
  await answer('5')
  // It has missed some: it does not listen any more, as far as anybody knows.
  assert.equal(commands.includes('ZCARD'), true)
})

test('[K5, K19] what is heard while a renewal is under way is not forgotten to be read by its answer', async t => {
  const { leases, answer, renew } = begin(t)
  await answer()
  await renew()
  leases.hear('run.1 1 a')
  assert.deepEqual(await answer('0'), ['a'])
  assert.deepEqual(await answer('1'), [])
  assert.equal(await renew(), 'run.1 1')
})

test('[K5, K19] an end is over at once where nobody else has a lease, and after a lease where nobody can be told', async t => {
  const old = `${LONGEST_KEPT_MS + 1}`
  const alone = begin(t, instance => ['run.1', 1, old, ['run', 'x', `at:${instance}`, '0 1']])
  await alone.answer()
  await alone.leases.tell(['a'])
  assert.equal(alone.commands.includes('HGETALL'), false)

  const young = (instance: string) => ['run.1', 1, '0', [`at:${instance}`, '0 1']]
  const away = () => Promise.reject(new Error('away'))
  const over = new Set<unknown>()
  const telling = [young, away].map(async told => {
    const { leases, answer } = begin(t, told)
    await answer()
    await leases.tell(['a'])
    over.add(told)
  })
  await wait(50)
  assert.deepEqual([...over], [])
  await Promise.all(telling)
})
