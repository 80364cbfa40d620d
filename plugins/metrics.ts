// Capability: what operators count. One line in the access log and one observation per request, by
// route pattern; labels come from a bounded set, never from input (attacks G1, G5).

import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from '@prometheus-io/client'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'

declare module 'fastify' {
  interface FastifyInstance {
    smartMetrics: Metrics
  }
}

/** One finished or aborted request, in words and numbers that may be logged. */
export interface RequestRecord {
  method: string
  /** Route pattern, never the path. */
  route: string
  status: number
  milliseconds: number
  /** Registration id. */
  ehr?: string
  /** First 12 characters of the record id: a hash, not the session id. */
  session?: string
  /** Code of our refusal. */
  code?: string
  aborted?: boolean
}

export type SessionEvent =
  | 'started'
  | 'renewed'
  | 'failed'
  | 'shared'
  | 'ended'
  | 'logged_out'
  | 'unreadable'

export interface Metrics {
  observe(record: RequestRecord): void
  count(event: SessionEvent, ehr: string): void
  /** The exposition text for the admin listener. */
  text(): Promise<string>
}

async function metrics(app: FastifyInstance): Promise<void> {
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry })
  const requests = new Histogram({
    name: 'fhirstorm_request_seconds',
    help: 'Duration of requests by route pattern',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.005, 0.02, 0.1, 0.5, 2, 10, 60],
    registers,
  })
  const refusals = new Counter({
    name: 'fhirstorm_refusals_total',
    help: 'Requests refused by fhirstorm, by code',
    labelNames: ['code'],
    registers,
  })
  const sessions = new Counter({
    name: 'fhirstorm_session_events_total',
    help: 'What happened to sessions, by EHR',
    labelNames: ['event', 'ehr'],
    registers,
  })
  new Gauge({ name: 'fhirstorm_info', help: 'Always 1', registers }).set(1)

  /** One series for each combination of labels, found once. */
  const series = new Map<string, ReturnType<typeof requests.labels>>()

  app.decorate('smartMetrics', {
    observe(record) {
      app.log.info(record, 'request')
      seriesOf(record).observe(record.milliseconds / 1000)
      if (record.code !== undefined) refusals.inc({ code: record.code })
    },
    count: (event, ehr) => sessions.inc({ event, ehr }),
    text: () => registry.metrics(),
  })

  function seriesOf({ method, route, status }: RequestRecord) {
    const kind = `${Math.trunc(status / 100)}xx`
    const key = `${method} ${route} ${kind}`
    const known = series.get(key)
    if (known) return known
    const found = requests.labels({ method, route, status: kind })
    series.set(key, found)
    return found
  }
}

export default fp(metrics, { name: 'fhirstorm-metrics', fastify: '5.x' })
