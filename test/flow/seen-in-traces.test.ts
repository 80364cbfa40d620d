// Spans of the running product, as an SDK gets them: a small one of our own that keeps what it is given.

import assert from 'node:assert/strict'
import { AsyncLocalStorage } from 'node:async_hooks'
import { after, before, test } from 'node:test'
import * as api from '@opentelemetry/api'
import { hasSdk } from '../../src/tracing.ts'
import { createBrowser } from '../world/browser.ts'
import { createWorld, type World } from '../world/world.ts'
import { logIn } from './login.ts'

interface Kept {
  name: string
  kind: api.SpanKind | undefined
  attributes: Record<string, unknown>
  id: string
  parent: string | undefined
  links: string[]
  status?: api.SpanStatusCode
  isOver: boolean
}

const kept: Kept[] = []

function keepSpans(): void {
  const within = new AsyncLocalStorage<api.Context>()
  api.context.setGlobalContextManager({
    active: () => within.getStore() ?? api.ROOT_CONTEXT,
    with: (context, step, self, ...given) =>
      within.run(context, () => step.apply(self as never, given)),
    bind: (_context, target) => target,
    enable: () => api.context as never,
    disable: () => api.context as never,
  })
  api.propagation.setGlobalPropagator({
    inject: () => undefined,
    fields: () => [],
    extract(context, carrier: { traceparent?: string }) {
      const [, traceId = '', spanId = ''] = carrier.traceparent?.split('-') ?? []
      if (traceId === '') return context
      return api.trace.setSpanContext(context, { traceId, spanId, traceFlags: 1 })
    },
  })
  const startSpan: api.Tracer['startSpan'] = (name, how = {}, context = api.context.active()) => {
    const id = String(kept.length + 1).padStart(16, '0')
    const parent = api.trace.getSpanContext(context)?.spanId
    const links = (how.links ?? []).map(link => link.context.spanId)
    const span: Kept = {
      ...{ name, kind: how.kind, attributes: { ...how.attributes }, id, parent, links },
      isOver: false,
    }
    kept.push(span)
    return {
      spanContext: () => ({ traceId: 'a'.repeat(32), spanId: id, traceFlags: 1 }),
      setAttribute(key: string, value: unknown) {
        span.attributes[key] = value
      },
      setStatus({ code }: api.SpanStatus) {
        span.status = code
      },
      end() {
        span.isOver = true
      },
    } as unknown as api.Span
  }
  api.trace.setGlobalTracerProvider({ getTracer: () => ({ startSpan }) as unknown as api.Tracer })
}

let world: World
before(async () => {
  assert.equal(hasSdk(api), false)
  const bare = await createWorld()
  await (await fetch(`${bare.app}/ehrs`)).text()
  await bare.close()
  assert.equal(kept.length, 0)
  keepSpans()
  assert.equal(hasSdk(api), true)
  world = await createWorld()
})
after(() => world.close())

test('[OB5] a read is a span with that of its call to the EHR within; a caller is linked, not obeyed', async () => {
  const browser = createBrowser()
  const { fhirBaseUrl, id } = await logIn(world, browser, 'amy-shaw')
  const caller = 'b'.repeat(16)
  const answer = await browser.fetch(`${fhirBaseUrl}/Patient/amy-shaw`, {
    headers: { traceparent: `00-${'c'.repeat(32)}-${caller}-01` },
  })
  const requestId = answer.headers.get('x-request-id')
  const server = kept.find(({ attributes }) => attributes['fhirstorm.request_id'] === requestId)
  assert.ok(server?.isOver)
  assert.equal(server.name, 'GET /sessions/:id/fhir/*')
  assert.deepEqual([server.parent, server.links], [undefined, [caller]])
  assert.equal(server.attributes['http.response.status_code'], 200)
  assert.equal(server.attributes['fhirstorm.ehr'], 'general')
  const call = kept.find(({ parent }) => parent === server.id)
  assert.deepEqual([call?.name, call?.kind, call?.isOver], ['GET fhir', api.SpanKind.CLIENT, true])
  assert.equal(call?.attributes['http.response.status_code'], 200)
  for (const kind of ['discovery', 'code']) {
    assert.ok(
      kept.some(({ attributes }) => attributes['fhirstorm.call'] === kind),
      kind,
    )
  }
  const told = JSON.stringify(kept)
  for (const word of [id, 'amy-shaw', 'practitioner', 'eyJ', 'code=']) {
    assert.ok(!told.includes(word), word)
  }
})

test('[OB5] every span ends', async () => {
  const refused = await fetch(`${world.app}/nothing-here`)
  await refused.text()
  await new Promise(done => setImmediate(done))
  assert.deepEqual(
    kept.filter(({ isOver }) => !isOver).map(({ name }) => name),
    [],
  )
})
