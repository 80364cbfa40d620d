// The caller's own ids of a request, of which a log takes those that are plain alone.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readCaller } from '../src/caller.ts'

const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`

test('[G1, G6] ids are taken as they come where they are plain and short, each for itself', () => {
  assert.deepEqual(readCaller({}), {})
  const callerId = 'A-1_2.3:4+5/6='
  assert.deepEqual(readCaller({ traceparent, 'x-request-id': callerId }), { traceparent, callerId })
  for (const odd of ['', 'amy shaw', 'a\n{"level":60}', 'a"b', 'é', '\u001b[2J', 'a'.repeat(65)]) {
    const told = readCaller({ traceparent, 'x-request-id': odd })
    assert.deepEqual(told, { traceparent, callerId: undefined }, odd)
  }
  for (const odd of [
    ...[traceparent.toUpperCase(), `${traceparent}-x`, `ff${traceparent.slice(2)}`, 'x'],
    ...[`${traceparent}\n`, [traceparent]],
  ]) {
    const told = readCaller({ traceparent: odd, 'x-request-id': callerId })
    assert.deepEqual(told, { traceparent: undefined, callerId })
  }
})
