// Spans alone in a bare Fastify: where there is no SDK to hear of them, or not even the package by which it
// would be found, nothing is watched and nothing fails; and where there is one, of whom it hears nothing.

import assert from 'node:assert/strict'
import { registerHooks } from 'node:module'
import { type TestContext, test } from 'node:test'
import { trace } from '@opentelemetry/api'
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

test('[G6] a request that a host has answered before has no span, and is noted all the same', async t => {
  const spans: string[] = []
  const ended: string[] = []
  const noop = trace.wrapSpanContext({ traceId: '', spanId: '', traceFlags: 0 })
  const startSpan = (name: string) => {
    spans.push(name)
    return Object.assign(Object.create(noop), { end: () => void ended.push(name) })
  }
  const tracer = { startSpan, startActiveSpan: () => assert.fail() }
  assert.ok(trace.setGlobalTracerProvider({ getTracer: () => tracer }))
  t.after(() => trace.disable())
  const app = buildBareApp({ smartMetrics: { beginCall: () => () => undefined } })
  t.after(() => app.close())
  app.addHook('onRequest', async ({ url }, reply) => {
    if (url === '/refused') return reply.code(403).send()
  })
  await app.register(tracing)
  const noted: string[] = []
  app.addHook('onResponse', async ({ url }) => void noted.push(url))
  for (const url of ['/refused', '/']) app.get(url, async () => 'ok')
  assert.equal((await app.inject('/refused')).statusCode, 403)
  assert.equal((await app.inject('/')).statusCode, 200)
  assert.deepEqual(noted, ['/refused', '/'])
  assert.deepEqual([spans, ended], [['GET /'], ['GET /']])
})
