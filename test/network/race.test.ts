import assert from 'node:assert/strict'
import type { LookupAddress } from 'node:dns'
import { EventEmitter } from 'node:events'
import type { Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { type FindAddresses, race } from '../../src/network/race.ts'

const HEAD_START_MS = 250
const TIMEOUT_MS = 5000

class FakeSocket extends EventEmitter {
  isDestroyed = false
  destroy() {
    this.isDestroyed = true
    return this
  }
  fail(code: string) {
    this.emit('error', Object.assign(new Error(code), { code }))
  }
}

const v4 = (address: string): LookupAddress => ({ address, family: 4 })
const v6 = (address: string): LookupAddress => ({ address, family: 6 })

/** A race among these addresses, by a clock that the test sets. */
function run(t: TestContext, addresses: readonly LookupAddress[], find?: FindAddresses) {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const tried: { address: string; socket: FakeSocket }[] = []
  const outcomes: (Socket | string | undefined)[] = []
  race(
    find ?? (found => found(null, addresses)),
    443,
    {
      timeoutMs: TIMEOUT_MS,
      open({ address }) {
        const socket = new FakeSocket()
        tried.push({ address, socket })
        return socket as unknown as Socket
      },
    },
    (error, socket) => outcomes.push(socket ?? (error as { code?: string }).code),
  )
  const socketOf = (address: string) =>
    tried.find(each => each.address === address)?.socket ?? assert.fail(`${address} was not tried`)
  return {
    socketOf,
    outcomes,
    tried: () => tried.map(({ address }) => address),
    pass: (milliseconds: number) => t.mock.timers.tick(milliseconds),
  }
}

test('an address that is slow to answer is not given up for one that leads nowhere', t => {
  const { pass, tried, outcomes, socketOf } = run(t, [v4('a'), v6('b')])
  assert.deepEqual(tried(), ['a'])
  pass(HEAD_START_MS)
  assert.deepEqual(tried(), ['a', 'b'])
  socketOf('b').fail('ENETUNREACH')
  pass(1000)
  assert.deepEqual(outcomes, [])
  socketOf('a').emit('connect')
  assert.deepEqual(outcomes, [socketOf('a')])
  assert.equal(socketOf('a').isDestroyed, false)
})

test('the first connection is taken, and every other one closed, whatever becomes of it', t => {
  const { pass, tried, outcomes, socketOf } = run(t, [v6('a'), v6('b'), v4('c')])
  pass(HEAD_START_MS)
  pass(HEAD_START_MS)
  assert.deepEqual(tried(), ['a', 'c', 'b'], 'the families in turn')
  socketOf('c').emit('connect')
  socketOf('a').emit('connect')
  socketOf('b').fail('ECONNREFUSED')
  socketOf('c').fail('ECONNRESET')
  pass(TIMEOUT_MS)
  assert.deepEqual(outcomes, [socketOf('c')])
  const closed = ['a', 'b', 'c'].map(address => socketOf(address).isDestroyed)
  assert.deepEqual(closed, [true, true, false])
})

test('a race that is won begins no more connections, and one that fails twice counts once', t => {
  const { pass, tried, outcomes, socketOf } = run(t, [v4('a'), v4('b'), v4('c'), v4('d')])
  socketOf('a').fail('ECONNRESET')
  socketOf('a').fail('EPIPE')
  assert.deepEqual(tried(), ['a', 'b'])
  pass(HEAD_START_MS)
  socketOf('c').emit('connect')
  socketOf('b').fail('ECONNREFUSED')
  pass(TIMEOUT_MS)
  assert.deepEqual(tried(), ['a', 'b', 'c'])
  assert.deepEqual(outcomes, [socketOf('c')])
})

test('an address that fails is followed by the next at once, and the last says what was wrong', t => {
  const { tried, outcomes, socketOf } = run(t, [v6('a'), v4('b'), v4('c')])
  socketOf('a').fail('ENETUNREACH')
  socketOf('b').fail('ECONNREFUSED')
  assert.deepEqual(tried(), ['a', 'b', 'c'])
  assert.deepEqual(outcomes, [])
  socketOf('c').fail('EHOSTUNREACH')
  assert.deepEqual(outcomes, ['ECONNREFUSED'])
})

test('where this machine has no network at all, that is what is told', t => {
  const { outcomes, socketOf } = run(t, [v6('a')])
  socketOf('a').fail('ENETUNREACH')
  assert.deepEqual(outcomes, ['ENETUNREACH'])
})

test('[L8] all have one time together, and finding them has no other', t => {
  const { pass, outcomes, socketOf } = run(t, [v4('a'), v4('b')])
  pass(TIMEOUT_MS)
  assert.deepEqual(outcomes, ['ETIMEDOUT'])
  assert.ok(socketOf('a').isDestroyed && socketOf('b').isDestroyed)
  socketOf('a').emit('connect')
  assert.equal(outcomes.length, 1)
})

test('[L8] names that are found too late are not connected to', t => {
  let answer: Parameters<FindAddresses>[0] = () => assert.fail('nobody asked')
  const { pass, tried, outcomes } = run(t, [], found => {
    answer = found
  })
  pass(TIMEOUT_MS)
  answer(null, [v4('a')])
  assert.deepEqual([outcomes, tried()], [['ETIMEDOUT'], []])
})

test('[PS1] what finding the addresses fails with is the outcome, thrown or told', t => {
  const failure = Object.assign(new Error('x'), { code: 'EAI_AGAIN' })
  const thrown = run(t, [], () => {
    throw failure
  })
  assert.deepEqual(thrown.outcomes, ['EAI_AGAIN'])
  t.mock.timers.reset()
  const told = run(t, [], found => found(failure))
  assert.deepEqual(told.outcomes, ['EAI_AGAIN'])
})
