// The record of one call: one event for what became of it, whichever end came first.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AuditedCall, CallOutcome } from '../../src/audit/call-event.ts'
import { createCallRecords } from '../../src/audit/call-record.ts'
import { BrokerError } from '../../src/errors.ts'

/** The record of a call, and the outcomes that were recorded of it; `undefined` is what was about to happen. */
function begin(method: string, failClosed = false) {
  const recorded: (CallOutcome | undefined)[] = []
  const build = (_call: AuditedCall, end: CallOutcome | undefined) => {
    recorded.push(end)
    return ''
  }
  const records = createCallRecords({ build, record: async () => {}, failClosed })
  const asked = { method, target: { path: '/Patient/1', query: '' } }
  return { recorded, record: records({ asked } as AuditedCall) }
}

test('[G8] a call has one event, by its answer, its failure or the caller who left', () => {
  const ends = {
    answered: ['0', undefined],
    failed: ['8', 'upstream_broken'],
    left: ['4', 'broken_off'],
  } as const
  for (const [first, [outcome, reason]] of Object.entries(ends)) {
    const { recorded, record } = begin('GET')
    const steps = {
      answered: () => record.answered(200, undefined),
      failed: () => record.failed(new BrokerError('upstream_broken')),
      left: () => record.left(),
    }
    steps[first as keyof typeof steps]()
    steps.failed()
    steps.left()
    assert.deepEqual(
      recorded.map(end => [end?.outcome, end?.reason]),
      [[outcome, reason]],
    )
  }
})

test('[G8] a write is recorded before it is sent where nothing may happen unrecorded, and a read never', () => {
  for (const [method, failClosed, events] of [
    ['PUT', true, 1],
    ['PUT', false, 0],
    ['GET', true, 0],
  ] as const) {
    const { recorded, record } = begin(method, failClosed)
    assert.equal(record.intend() === undefined, events === 0)
    assert.deepEqual(recorded, Array(events).fill(undefined))
  }
})
