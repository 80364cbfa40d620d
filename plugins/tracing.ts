// Capability: spans for whoever has an SDK of OpenTelemetry in the process when the app is built; without one
// no hook is set, and `@opentelemetry/api` need not be there.

import type { Span } from '@opentelemetry/api'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { aboutOf } from '../src/about.ts'
import { requireParts } from '../src/plugin-terms.ts'
import { createTracing, hasSdk, type TracingApi } from '../src/tracing.ts'
import type {} from './errors.ts'
import type {} from './metrics.ts'

async function tracing(app: FastifyInstance): Promise<void> {
  requireParts(app, 'tracing', ['smartMetrics'])
  const api = await findApi()
  if (api === undefined || !hasSdk(api)) return
  const spans = createTracing(api)
  const ofRequests = new WeakMap<object, Span>()
  const { smartMetrics: metrics } = app
  const { beginCall } = metrics
  metrics.beginCall = call => {
    const [endSpan, end] = [spans.beginCall(call), beginCall(call)]
    return how => {
      endSpan(how)
      end(how)
    }
  }

  app.addHook('onRequest', (request, _reply, done) => {
    const { url = 'unknown', config } = request.routeOptions
    const { method, headers } = request
    const span = spans.begin({ method, route: config?.label ?? url, headers }, done)
    ofRequests.set(request.raw, span)
  })
  app.addHook('onResponse', (request, reply, done) => {
    const span = ofRequests.get(request.raw)
    const { code, ehr } = reply.smartFault ?? {}
    const about = aboutOf(request)
    const answered = { ...about, ehr: ehr ?? about.ehr, code, requestId: request.id }
    if (span) spans.end(span, { ...answered, status: reply.raw.statusCode })
    done()
  })
}

async function findApi(): Promise<TracingApi | undefined> {
  return await import('@opentelemetry/api').catch(() => undefined)
}

export default fp(tracing, { name: 'fhirstorm-tracing', fastify: '5.x' })
