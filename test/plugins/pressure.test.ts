// A process with too little memory takes nothing new, and answers again once it has enough.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fastify from 'fastify'
import errors from '../../plugins/errors.ts'
import pressure from '../../plugins/pressure.ts'
import { findPressure } from '../../src/pressure.ts'
import { eventually } from '../world/eventually.ts'

const MIB = 1024 * 1024

test('[LM1] memory is short by what the process holds, or by how full its heap is', () => {
  const limits = { residentBytes: 100, heapPercent: 90 }
  const memory = { resident: 100, heap: 90, heapLimit: 100 }
  assert.equal(findPressure(memory, limits), undefined)
  assert.equal(findPressure({ ...memory, resident: 101 }, limits), 'resident memory')
  assert.equal(findPressure({ ...memory, heap: 91 }, limits), 'heap')
})

test('[LM1] 503 with Retry-After for whatever is new, but for what is always answered; and no longer than that', async t => {
  const memory = { resident: 50 * MIB, heap: 1, heapLimit: 100 }
  const app = fastify()
  t.after(() => app.close())
  await app.register(errors, {})
  await app.register(pressure, { residentBytes: 100 * MIB, measure: () => ({ ...memory }) })
  app.get('/usual', async () => 'well')
  app.get('/always', { config: { always: true } }, async () => 'well')
  const statusOf = async (url: string) => (await app.inject(url)).statusCode
  assert.equal(await statusOf('/usual'), 200)
  memory.resident = 101 * MIB
  assert.ok(await eventually(async () => (await statusOf('/usual')) === 503))
  const refused = await app.inject('/usual')
  assert.equal(refused.json().code, 'overloaded')
  assert.equal(refused.headers['retry-after'], '5')
  assert.ok(!refused.body.includes('memory'), 'nobody outside is told why')
  assert.equal(await statusOf('/always'), 200)
  assert.equal(await statusOf('/nowhere'), 503)
  memory.resident = 50 * MIB
  assert.ok(await eventually(async () => (await statusOf('/usual')) === 200))
})
