// The crew's own book-keeping, with workers that are no processes; test/faults has the real ones.

import assert from 'node:assert/strict'
import type { Worker } from 'node:cluster'
import { EventEmitter } from 'node:events'
import { test } from 'node:test'
import { setImmediate as settle } from 'node:timers/promises'
import type { FastifyBaseLogger } from 'fastify'
import { createCrew } from '../../../program/crew/crew.ts'

type Sent = { ask?: number; what?: string; answer?: number; given?: unknown; value?: unknown }

function createWorker() {
  const sent: Sent[] = []
  const child = Object.assign(new EventEmitter(), { pid: 1, kill: () => child.emit('close', 0) })
  const worker = Object.assign(new EventEmitter(), {
    process: child,
    send: (message: Sent) => void sent.push(message),
  })
  const ask = (number: number, what: string) => worker.emit('message', { ask: number, what })
  const answer = (number: number | undefined, value: unknown) =>
    worker.emit('message', { answer: number, value })
  return { worker: worker as unknown as Worker, sent, ask, answer }
}

test('[PR3, RL1] who has just got the configuration of now is asked about the next one', async () => {
  const one = createWorker()
  const logger = { info() {}, error() {} } as unknown as FastifyBaseLogger
  const crew = createCrew({
    ...{ count: 1, logger, fork: () => one.worker, write() {}, onOperated() {} },
    snapshot: { folder: '/before', files: {} },
    reload: async () => ({ ok: true as const }),
    counts: { measure: async () => [] },
  })
  const started = crew.start()
  one.ask(1, 'orders')
  // In the very moment in which its answer is on its way.
  const prepared = crew.prepare({ folder: '/next', files: {} })
  await settle()
  one.ask(2, 'ready')
  assert.equal(await started, undefined)
  await settle()
  const asked = one.sent.find(({ what }) => what === 'prepare')
  assert.deepEqual(asked?.given, { folder: '/next', files: {} })
  one.answer(asked?.ask, [])
  const { takeOver } = await prepared
  const done = takeOver()
  await settle()
  one.answer(one.sent.find(({ what }) => what === 'takeOver')?.ask, undefined)
  await done
})
