// How long anybody waits for a sink that says nothing.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { createRecording } from '../../src/audit/recording.ts'

test('[AU4] an app ends although its sink never answers, and tells what was not recorded', async () => {
  const heard = { recorded: 0, lost: 0 }
  let events = 0
  const recording = createRecording({
    failClosed: false,
    patienceMs: 20,
    sink: {
      async record() {
        if (++events > 2) await Promise.withResolvers<void>().promise
      },
    },
    onRecorded: () => heard.recorded++,
    onLost: () => heard.lost++,
  })
  for (const event of ['a', 'b', 'c', 'd', 'e']) recording.record(event)
  await recording.settle()
  assert.deepEqual(heard, { recorded: 2, lost: 3 })
})

test('[AU4] an app that has nothing left to record ends at once', async () => {
  const kept: string[] = []
  const recording = createRecording({
    failClosed: false,
    patienceMs: 60_000,
    sink: { record: async event => void kept.push(event) },
    onLost: error => assert.fail(String(error)),
  })
  recording.record('a')
  await recording.settle()
  assert.deepEqual(kept, ['a'])
  const again = recording.settle().then(() => 'ended')
  assert.equal(await Promise.race([again, turn('waits')]), 'ended')
})
