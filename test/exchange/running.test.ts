import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BrokerError } from '../../src/errors.ts'
import { createRunning, type Stream } from '../../src/exchange/running.ts'
import type { OpenSession } from '../../src/session/session.ts'

function stream(id: string, isLive = false): Stream & { calls: unknown[] } {
  const calls: unknown[] = []
  return {
    open: { session: { id } } as OpenSession,
    isLive,
    place: -1,
    check: now => void calls.push(now),
    abort: error => void calls.push(error.code),
    calls,
  }
}

test('[K5, K19] ends the streams of one session, and of no other', () => {
  const running = createRunning(() => 7)
  const [one, two, other] = [stream('a'), stream('a'), stream('b')]
  for (const each of [one, two, other]) running.add(each)
  assert.equal(running.abort('a', new BrokerError('session_invalid')), 2)
  assert.equal(running.abort('c', new BrokerError('session_invalid')), 0)
  assert.deepEqual(
    [one.calls, two.calls, other.calls],
    [['session_invalid'], ['session_invalid'], []],
  )
})

test('names each session once, in use unless all of its streams are events', () => {
  const running = createRunning(() => 7)
  for (const each of [stream('a', true), stream('a'), stream('a', true), stream('b', true)]) {
    running.add(each)
  }
  const seen = running.sessions().map(({ open, inUse }) => [open.session.id, inUse])
  assert.deepEqual(seen, [
    ['a', true],
    ['b', false],
  ])
})

test('[OB3] counts those of each EHR, events and others by themselves', () => {
  const running = createRunning(() => 7)
  for (const [ehr, isLive] of [
    ['one', true],
    ['one', false],
    ['one', false],
    ['two', true],
  ] as const) {
    running.add({ ...stream('a', isLive), open: { session: { id: 'a', ehr } } as OpenSession })
  }
  assert.deepEqual(
    [...running.count(true)],
    [
      ['one', 1],
      ['two', 1],
    ],
  )
  assert.deepEqual([...running.count(false)], [['one', 2]])
})

test('a stream that leaves takes no other with it, and leaves once', () => {
  const running = createRunning(() => 7)
  const all = ['a', 'b', 'c', 'd'].map(id => stream(id))
  for (const each of all) running.add(each)
  const ids = () => running.sessions().map(({ open }) => open.session.id)
  for (const [leaving, left] of [
    [1, 'a,d,c'],
    [1, 'a,d,c'],
    [2, 'a,d'],
    [0, 'd'],
    [3, ''],
    [3, ''],
  ] as const) {
    running.delete(all[leaving] as Stream)
    assert.equal(ids().join(), left)
  }
})

test('[R13] the clock moves with the ticks, and each stream hears of it', () => {
  let now = 1
  const running = createRunning(() => now)
  const [one, gone] = [stream('a'), stream('a')]
  running.add(one)
  running.add(gone)
  running.delete(gone)
  now = 251
  assert.equal(running.now, 0)
  running.tick()
  assert.equal(running.now, 250)
  assert.deepEqual([one.calls, gone.calls], [[250], []])
})

test("[DS7, R13] time in which this process stood still is nobody's silence", () => {
  let now = 0
  const running = createRunning(() => now)
  for (const time of [250, 500, 60_000, 60_250]) {
    now = time
    running.tick()
  }
  assert.equal(running.now, 3 * 250 + 300)
})
