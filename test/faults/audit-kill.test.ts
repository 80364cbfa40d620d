// Eight rounds of kill -9 under load with an audit without which nothing is acknowledged, with a fixed seed.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { killWithAudit } from './audit-kill.ts'

test('[G8] kill -9 at random moments loses the event of nothing that was acknowledged', async () => {
  const report = await killWithAudit(8, 20261127)
  const { logins, reads, writes, missing, strangers } = report
  assert.ok(logins > 2 && reads > 8 && writes > 4, JSON.stringify(report))
  assert.deepEqual({ missing, strangers }, { missing: 0, strangers: 0 })
})
