// An exchange in the hands of Node's callbacks: what a step throws there ends that exchange alone.

import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { test } from 'node:test'
import type { Dispatcher } from 'undici'
import { forward } from '../../src/exchange/forward.ts'
import type { ForwardedRequest } from '../../src/exchange/forwarded-request.ts'
import { createRunning } from '../../src/exchange/running.ts'
import type { ForwardLimits } from '../../src/limits.ts'

const limits: ForwardLimits = { headMs: 1, idleMs: 1, stallMs: 1, totalMs: 1 }

/** A client's response that is always full. */
function createResponse() {
  const response = Object.assign(new EventEmitter(), {
    destroyed: false,
    headersSent: false,
    writableLength: 1e9,
    writeHead() {
      response.headersSent = true
    },
    write: () => false,
    destroy() {
      response.destroyed = true
      response.emit('close')
    },
  })
  return response
}

function begin(changes: Partial<ForwardedRequest> = {}) {
  const response = createResponse()
  const running = createRunning(() => 0)
  let handler: Dispatcher.DispatchHandler = {}
  const dispatch = (_options: unknown, given: Dispatcher.DispatchHandler) => {
    handler = given
    return true
  }
  const outcome = forward({
    ...{ pool: { dispatch }, dispatch: {}, open: { session: { id: 'a' } }, limits, running },
    ...{ request: { complete: true }, place: {}, response, reply: { hijack() {} }, ownHeaders: [] },
    rules: {
      judge: () => ({ status: 200, headers: [], isLive: false }),
      chooseSink: () => undefined,
    },
    ...changes,
  } as unknown as ForwardedRequest)
  return { outcome, response, running, handler }
}

test('[PS2] a mistake in looking after one exchange refuses it, and the others are looked after', async () => {
  const faulty = begin({
    limits: {
      ...limits,
      get headMs(): number {
        throw new TypeError('a mistake')
      },
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
