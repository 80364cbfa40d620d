// Spans alone in a bare Fastify: where there is no SDK to hear of them, or not even the package by which it
// would be found, nothing is watched and nothing fails.

import assert from 'node:assert/strict'
import { registerHooks } from 'node:module'
import { type TestContext, test } from 'node:test'
import tracing from '../../plugins/tracing.ts'
import { buildBareApp } from './alone.ts'

/** Whether calls are watched in an app that has the plugin. */
async function isWatching(t: TestContext): Promise<boolean> {
  const beginCall = () => () => undefined
  const metrics = { beginCall }
  const app = buildBareApp({ smartMetrics: metrics })
  t.after(() => app.close())
  await app.register(tracing)
  app.get('/', async () => 'ok')
  assert.equal((await app.inject('/')).body, 'ok')
  return metrics.beginCall !== beginCall
}

test('[G6] without the package of OpenTelemetry, or without an SDK, no span is begun', async t => {
  let asked = 0
  const hooks = registerHooks({
    resolve(specifier, context, next) {
      if (specifier !== '@opentelemetry/api') return next(specifier, context)
      asked++
      throw Object.assign(new Error('not installed'), { code: 'ERR_MODULE_NOT_FOUND' })
    },
  })
  t.after(() => hooks.deregister())
  assert.equal(await isWatching(t), false)
  assert.equal(asked, 1)
  hooks.deregister()
  assert.equal(await isWatching(t), false)
})
