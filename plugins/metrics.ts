// Capability: what operators count. One line in the access log and one observation per request, by
// route pattern; labels come from a bounded set, never from input (attacks G1, G5). What goes wrong
// outside of any request is logged with its place, and counted (attacks PS2).

import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from '@prometheus-io/client'
import type { FastifyBaseLogger, FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { describeError } from '../src/error-description.ts'
import { locateFault } from '../src/fault-site.ts'
import type { Act, Observer } from '../src/observer.ts'
import { aFunction, judgeOptions, optional } from '../src/plugin-terms.ts'

declare module 'fastify' {
  interface FastifyInstance {
    smartMetrics: Metrics
  }
}

/** What the process has counted since its start, outside of requests. */
export interface OutsideCounts {
  exception: number
  rejection: number
  droppedLogLines: number
}

export interface MetricsOptions {
  /** Asked whenever the metrics are; a host that counts nothing leaves it out. */
  countOutside?: () => OutsideCounts
}

export interface Metrics extends Observer {
  /** The exposition text for the admin listener. */
  text(): Promise<string>
}

type Series = ReturnType<Histogram<'method' | 'route' | 'status'>['labels']>

/** What many requests have in common: found and printed once, because a line in the log is dear. */
interface Kind {
  method: string
  route: string
  log: FastifyBaseLogger
  /** By the first digit of the status. */
  series: Series[]
}

/** Refusals below 500 that an operator can do something about. */
const ACTIONABLE: ReadonlySet<string> = new Set([
  ...['unknown_issuer', 'ambiguous_issuer', 'unknown_host', 'issuer_mismatch', 'unknown_ehr'],
  ...['logout_token_invalid', 'upstream_unauthorized', 'authorization_refused'],
  ...['upstream_elsewhere', 'upstream_charset', 'upstream_encoding'],
])

const MESSAGES: Record<Act['act'], string> = {
  login: 'login',
  login_failed: 'login failed',
  denial: 'refused by the EHR',
  logout: 'logout',
  ending: 'session ended',
  renewal: 'renewal',
  administration: 'done by the administrator',
}
const WARNED: ReadonlySet<Act['act']> = new Set(['login_failed', 'denial'])

async function metrics(app: FastifyInstance, options: MetricsOptions): Promise<void> {
  judgeOptions('metrics', options, { countOutside: optional(aFunction) })
  const registry = new Registry()
  const registers = [registry]
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
  const denials = new Counter({
    name: 'fhirstorm_authorization_denials_total',
    help: 'Authorizations that an EHR refused, by its error',
    labelNames: ['ehr', 'error'],
    registers,
  })
  const faults = new Counter({
    name: 'fhirstorm_faults_total',
    help: 'Faults outside of any request, by how they were noticed',
    labelNames: ['kind'],
    registers,
  })
  const droppedLines = new Counter({
    name: 'fhirstorm_log_lines_dropped_total',
    help: 'Log lines that could not be written',
    registers,
  })
  new Gauge({ name: 'fhirstorm_info', help: 'Always 1', registers }).set(1)

  const kinds = new Map<string, Kind>()

  app.decorate('smartMetrics', {
    observe(record) {
      const { method, route, ehr, requestId: reqId, code, ...rest } = record
      const { status, milliseconds } = record
      const kind = kindOf(method, route, ehr)
      const line = { reqId, code, ...rest }
      if (code !== undefined && ACTIONABLE.has(code)) kind.log.warn(line, 'request')
      else kind.log.info(line, 'request')
      seriesOf(kind, status).observe(milliseconds / 1000)
      if (code !== undefined) refusals.inc({ code })
    },
    tell({ act, requestId: reqId, ...rest }) {
      app.log[WARNED.has(act) || rest.reason === 'failed' ? 'warn' : 'info'](
        { event: act, reqId, ...rest },
        MESSAGES[act],
      )
    },
    count: (event, ehr) => sessions.inc({ event, ehr }),
    countDenial: (ehr, error) => denials.inc({ ehr, error }),
    noteFault(error) {
      faults.inc({ kind: 'caught' })
      app.log.error(
        { err: describeError(error), at: locateFault(error) },
        'fault outside any request',
      )
    },
    async text() {
      countOutside()
      return `${await registry.metrics()}\n${await metricsOfProcess().metrics()}`
    },
  })

  let counted: OutsideCounts = { exception: 0, rejection: 0, droppedLogLines: 0 }

  function countOutside(): void {
    const now = options.countOutside?.() ?? counted
    for (const kind of ['exception', 'rejection'] as const) {
      faults.inc({ kind }, now[kind] - counted[kind])
    }
    droppedLines.inc(now.droppedLogLines - counted.droppedLogLines)
    counted = now
  }

  function kindOf(method: string, route: string, ehr: string | undefined): Kind {
    const key = `${method} ${route} ${ehr}`
    const known = kinds.get(key)
    if (known) return known
    const log = app.log.child({ method, route, ehr })
    const kind: Kind = { method, route, log, series: [] }
    kinds.set(key, kind)
    return kind
  }

  function seriesOf(kind: Kind, status: number): Series {
    const group = Math.trunc(status / 100)
    kind.series[group] ??= requests.labels({
      method: kind.method,
      route: kind.route,
      status: `${group}xx`,
    })
    return kind.series[group]
  }
}

let ofProcess: Registry | undefined

/** Of the process, whatever apps it has: what watches over it is begun once, and never ended. */
function metricsOfProcess(): Registry {
  if (ofProcess === undefined) {
    ofProcess = new Registry()
    collectDefaultMetrics({ register: ofProcess })
  }
  return ofProcess
}

export default fp(metrics, { name: 'fhirstorm-metrics', fastify: '5.x' })
