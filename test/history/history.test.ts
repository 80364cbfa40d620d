// Half a minute of four processes, eight clients and a nemesis over each store, with a fixed seed.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hasRedis } from '../vault/redis-server.ts'
import { explain, makeHistory } from './main.ts'
import type { StoreKind } from './stores.ts'

const runs: { store: StoreKind; seconds: number }[] = [
  { store: 'sqlite', seconds: 8 },
  ...(hasRedis()
    ? ([
        { store: 'redis', seconds: 12 },
        { store: 'sentinel', seconds: 10 },
      ] as const)
    : []),
]

for (const run of runs) {
  test(`[K5, K19, F2, V4] no history of faults breaks a promise (${run.store})`, async () => {
    const { report, history } = await makeHistory({ ...run, seed: 20261127, leastEnds: 3 })
    const { violations, operations } = report
    assert.deepEqual(
      violations.map(violation => explain(history, violation)),
      [],
    )
    assert.ok((operations['login ok'] ?? 0) > 5 && (operations['read ok'] ?? 0) > 20)
    assert.ok((operations['end ok'] ?? 0) > 0 && (operations['read refused'] ?? 0) > 0)
  })
}
