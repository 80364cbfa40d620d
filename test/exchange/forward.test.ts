// An exchange in the hands of Node's callbacks: what a step throws there ends that exchange alone.

import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { test } from 'node:test'
import type { Dispatcher } from 'undici'
import { BrokerError } from '../../src/errors.ts'
import { forward } from '../../src/exchange/forward.ts'
import type { ProxiedRequest } from '../../src/exchange/proxied-request.ts'
import { createRunning } from '../../src/exchange/running.ts'
import type { Place } from '../../src/exchange/shares.ts'
import type { Outlet, Sink } from '../../src/exchange/sinks.ts'
import type { ForwardLimits } from '../../src/limits.ts'

const patient: ForwardLimits = { headMs: 1, idleMs: 1, stallMs: 1, totalMs: 1 }

/** A client's response that is always full. */
function createResponse() {
  const sent: unknown[] = []
  const response = Object.assign(new EventEmitter(), {
    destroyed: false,
    headersSent: false,
    writableLength: 1e9,
    writeHead() {
      response.headersSent = true
    },
    write(data: unknown) {
      sent.push(data)
      return false
    },
    end: (data: unknown) => void sent.push(data),
    sent,
    destroy() {
      response.destroyed = true
      response.emit('close')
    },
  })
  return response
}

interface Odd {
  request?: object
  answer?: object
  sink?: Sink
}

function begin(limits = patient, { request = {}, answer = {}, sink }: Odd = {}) {
  const response = createResponse()
  let time = 0
  const running = createRunning(() => time)
  const pass = (milliseconds: number) => {
    time += milliseconds
    running.tick()
  }
  let handler: Dispatcher.DispatchHandler = {}
  const outlets: Outlet[] = []
  const dispatch = (_options: unknown, given: Dispatcher.DispatchHandler) => {
    handler = given
    return true
  }
  const upstream = {
    pool: { dispatch },
    judgeAnswer: () => ({ status: 200, headers: [], codings: [], isLive: false, ...answer }),
    chooseSink(_asked: unknown, _answer: unknown, given: Outlet) {
      outlets.push(given)
      return sink
    },
  }
  const proxied = {
    ...{ request: { complete: true, ...request }, response, open: { session: { id: 'a' } } },
    ...{ upstream, ownHeaders: [] },
  } as unknown as ProxiedRequest
  const shares = { bytes: { held: 0, limit: 1e9, within: undefined } }
  const watch = { place: { shares, heldBytes: 0 } as unknown as Place, running, limits }
  const outcome = forward(
    proxied,
    { path: '/', method: 'GET' },
    watch,
    upstream.pool as unknown as Dispatcher,
  )
  return { outcome, response, running, pass, handler, outlets }
}

test('[PS2] a mistake in looking after one exchange refuses it, and the others are looked after', async () => {
  const faulty = begin({
    ...patient,
    get headMs(): number {
      throw new TypeError('a mistake')
    },
  })
  faulty.running.tick()
  await assert.rejects(faulty.outcome, { code: 'upstream_broken' })
  assert.deepEqual(faulty.running.sessions(), [])
})

test('[PS2] a mistake when the client reads again cuts that answer', async () => {
  const aborted: unknown[] = []
  const controller = {
    pause() {},
    resume() {
      throw new TypeError('a mistake')
    },
    abort: (error: unknown) => void aborted.push(error),
  } as unknown as Dispatcher.DispatchController
  const { outcome, response, running, handler } = begin()
  handler.onRequestStart?.(controller, undefined)
  handler.onResponseStart?.(controller, 200, {})
  handler.onResponseData?.(controller, Buffer.from('x'))
  response.emit('drain')
  assert.equal(await outcome, 'broken off')
  assert.equal(aborted.length, 1)
  assert.deepEqual(running.sessions(), [])
})

test('[K5] once an exchange is over, nothing that its EHR says reaches the client', async () => {
  const aborted: unknown[] = []
  const controller = {
    pause: () => assert.fail('nothing is waited for'),
    resume: () => assert.fail('nothing is waited for'),
    abort: (error: unknown) => void aborted.push(error),
  } as unknown as Dispatcher.DispatchController
  const { outcome, response, running, handler } = begin()
  running.abort('a', new BrokerError('session_invalid'))
  await assert.rejects(outcome, { code: 'session_invalid' })
  handler.onRequestStart?.(controller, undefined)
  assert.equal(aborted.length, 1)
  handler.onResponseStart?.(controller, 200, {})
  handler.onResponseData?.(controller, Buffer.from('x'))
  handler.onResponseEnd?.(controller, {})
  handler.onResponseError?.(controller, new Error('later'))
  assert.equal(response.headersSent, false)
  assert.deepEqual(response.sent, [])
  assert.equal(aborted.length, 1)
})

test('[K5] what is decoded or read late of an answer that was refused reaches nobody', async () => {
  const aborted: unknown[] = []
  const controller = {
    resume: () => assert.fail('nothing is waited for'),
    abort: (error: unknown) => void aborted.push(error),
  } as unknown as Dispatcher.DispatchController
  const { outcome, response, running, handler, outlets } = begin(patient, {
    answer: { told: {} },
  })
  handler.onRequestStart?.(controller, undefined)
  handler.onResponseStart?.(controller, 200, {})
  const [outlet] = outlets
  assert.ok(outlet)
  running.abort('a', new BrokerError('session_invalid'))
  await assert.rejects(outcome, { code: 'session_invalid' })
  outlet.finish('late')
  outlet.finishWhole('late')
  outlet.onDrain()
  outlet.onError(new Error('later'))
  assert.equal(response.headersSent, false)
  assert.deepEqual(response.sent, [])
  assert.equal(aborted.length, 1)
})

test('[K5] what reads an answer that was refused is given nothing more of it, not even its end', async () => {
  const steps: string[] = []
  const step = (name: string) => () => {
    steps.push(name)
    return true
  }
  const sink = { push: step('push'), end: step('end'), destroy: step('destroy') }
  const { outcome, running, handler } = begin(patient, { answer: { told: {} }, sink })
  const controller = { abort() {} } as unknown as Dispatcher.DispatchController
  handler.onRequestStart?.(controller, undefined)
  handler.onResponseStart?.(controller, 200, {})
  handler.onResponseData?.(controller, Buffer.from('x'))
  running.abort('a', new BrokerError('session_invalid'))
  await assert.rejects(outcome, { code: 'session_invalid' })
  handler.onResponseData?.(controller, Buffer.from('y'))
  handler.onResponseEnd?.(controller, {})
  handler.onResponseError?.(controller, new Error('later'))
  assert.deepEqual(steps, ['push', 'destroy'])
})

test('[K5] an answer that the client has not read to its end is cut with its session', async () => {
  const { outcome, response, running, handler } = begin()
  const controller = {} as Dispatcher.DispatchController
  handler.onRequestStart?.(controller, undefined)
  handler.onResponseStart?.(controller, 200, {})
  handler.onResponseEnd?.(controller, {})
  assert.equal(response.destroyed, false)
  running.abort('a', new BrokerError('session_invalid'))
  assert.equal(response.destroyed, true)
  await outcome
})

test('[R13] an EHR that takes longer than it may is given up, and not a moment before', async () => {
  const { outcome, running, pass, handler } = begin({ ...patient, headMs: 100, totalMs: 1_000 })
  const aborted: unknown[] = []
  const controller = { abort: (error: unknown) => void aborted.push(error) }
  handler.onRequestStart?.(controller as unknown as Dispatcher.DispatchController, undefined)
  pass(100)
  assert.deepEqual(aborted, [])
  pass(1)
  await assert.rejects(outcome, { code: 'upstream_timeout' })
  assert.equal(aborted.length, 1)
  assert.deepEqual(running.sessions(), [])
})

test('what an EHR says before its answer is no answer', async () => {
  const { response, handler } = begin()
  const controller = {} as Dispatcher.DispatchController
  handler.onRequestStart?.(controller, undefined)
  for (const status of [100, 102, 103, 199]) {
    handler.onResponseStart?.(controller, status, { link: '</style.css>' })
    assert.equal(response.headersSent, false)
  }
  handler.onResponseStart?.(controller, 200, {})
  assert.equal(response.headersSent, true)
})

test('the head of an answer that is collected waits until its length is known', async () => {
  const { response, handler, outlets } = begin(patient, { answer: { collectedBytes: 9 } })
  const controller = {} as Dispatcher.DispatchController
  handler.onRequestStart?.(controller, undefined)
  handler.onResponseStart?.(controller, 200, {})
  assert.equal(response.headersSent, false)
  outlets[0]?.finishWhole('text')
  assert.equal(response.headersSent, true)
  assert.deepEqual(response.sent, ['text'])
})

test('a client whose request broke off is not answered', async () => {
  const { outcome, response, running } = begin(patient, { request: { errored: new Error('odd') } })
  running.abort('a', new BrokerError('session_invalid'))
  assert.equal(response.destroyed, true)
  assert.equal(await outcome, 'broken off')
})
