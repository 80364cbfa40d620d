// Sessions ended in every way over HTTP and four processes: none is served by any of them once its end
// was acknowledged, also by one that stood still meanwhile. `npm run bench:endings` does it at length.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hasRedis, startRedis } from '../vault/redis-server.ts'
import { logIn, read } from '../world/quick-user.ts'
import { deployFor, endSessions, type Way, ways } from './endings.ts'

const PROCESSES = 4
const ALL = Object.keys(ways) as Way[]
const ROUNDS = 3

for (const store of ['sqlite', ...(hasRedis() ? ['redis'] : [])]) {
  test(`[K5, K19, O5] no process serves a session whose end was acknowledged (${store})`, async t => {
    const redis = store === 'redis' ? await startRedis() : undefined
    t.after(() => redis?.close())
    const deployed = await deployFor(PROCESSES, redis && { kind: 'redis', url: redis.url })
    t.after(() => deployed.close())

    await t.test('in every way', async () => {
      const endings = ALL.length * ROUNDS
      const run = { ways: ALL, endings, atOnce: 4, readers: 2, pauseMs: 5 }
      const { acknowledged, others, before, after, load } = await endSessions(deployed, run)
      assert.deepEqual({ acknowledged, others }, { acknowledged: endings, others: 0 })
      const all = endings * PROCESSES
      assert.deepEqual(
        { before, after },
        { before: { served: all, all }, after: { served: 0, all, by: [] } },
      )
      assert.ok(load.milliseconds.length > 0)
      assert.equal(load.failures, 0)
    })

    await t.test('by a process that stood still', async () => {
      const still = PROCESSES - 1
      for (const way of ALL) {
        const session = await logIn(deployed, () => 0)
        assert.equal((await read(deployed, still, session)).status, 200)
        deployed.stop(still)
        // `twice` asks the next process as well, which is not that one.
        assert.ok(await ways[way](deployed, 1, session))
        const reading = Promise.all(Array.from({ length: 5 }, () => read(deployed, still, session)))
        deployed.goOn(still)
        for (const { status } of await reading) assert.equal(status, 401, way)
      }
    })
  })
}
