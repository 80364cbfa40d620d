// Twelve rounds of kill -9 under load, with a fixed seed.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { killAtRandom } from './random-kill.ts'

test('[V4] kill -9 at random moments under load loses and revives nothing', async () => {
  const report = await killAtRandom(12, 20261123)
  assert.ok(report.logins > 5 && report.reads > 10 && report.logouts > 0, JSON.stringify(report))
  assert.deepEqual({ lost: report.lost, revived: report.revived }, { lost: 0, revived: 0 })
})
