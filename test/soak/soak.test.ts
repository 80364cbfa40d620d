// The long run in short: every fault once over two processes and Redis, with a fixed seed.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hasRedis } from '../vault/redis-server.ts'
import { findFaults, soak } from './main.ts'
import { faults } from './record.ts'

test('[SK1] whatever an operator does is noticed by nobody, and faults cost what they must', {
  skip: !hasRedis(),
}, async () => {
  const report = await soak({
    ...{ seed: 20261127, users: 6, quietMs: 400 },
    isOver: made => made > faults.length,
  })
  assert.deepEqual(findFaults(report), [])
  assert.ok(report.sessions.begun > 3 && (report.acts.read?.done ?? 0) > 50)
  for (const fault of faults) assert.ok((report.faults[fault] ?? 0) > 0, fault)
})
