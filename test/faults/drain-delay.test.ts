// An instance that is told to end says so before it takes nothing more: a balancer has time to hear it.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startProcessWorld } from '../world/process-world.ts'

test('[DS8] for drainDelaySeconds after SIGTERM it is not ready, and answers', async t => {
  const { app, broker, close } = await startProcessWorld({
    configure(document) {
      document.drainDelaySeconds = 3
    },
  })
  t.after(close)
  const statusOf = async (path: string) => (await fetch(app + path)).status
  assert.deepEqual([await statusOf('/readyz'), await statusOf('/healthz')], [200, 200])
  const stopped = broker.stop()
  let ready = await statusOf('/readyz')
  while (ready === 200) ready = await statusOf('/readyz')
  assert.equal(ready, 503)
  assert.deepEqual([await statusOf('/healthz'), await statusOf('/ehrs')], [200, 200])
  assert.equal(await stopped, 0)
})
