// Capability: what operators count. One line in the access log and one observation per request, by
// route pattern; labels come from a bounded set, never from input (attacks G1, G5). What goes wrong
// outside of any request is logged with its place, and counted (attacks PS2).

import { Registry } from '@prometheus-io/client'
import type { FastifyBaseLogger, FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import type { DeliveryFigures } from '../src/audit/delivery-figures.ts'
import { describeError } from '../src/error-description.ts'
import { locateFault } from '../src/fault-site.ts'
import { createInstruments, type Instruments, showBuild, showGauge } from '../src/instruments.ts'
import { type Measured, printMeasured, readMeasured } from '../src/measured.ts'
import { errorLabel, methodLabel, statusLabel } from '../src/measures.ts'
import type { Act, Observer } from '../src/observer.ts'
import {
  anObject,
  aText,
  judgeOptions,
  listOfTexts,
  optional,
  withMethods,
} from '../src/plugin-terms.ts'
import { measureProcess } from '../src/process-metrics.ts'

declare module 'fastify' {
  interface FastifyInstance {
    smartMetrics: Metrics
  }
}

export interface MetricsOptions {
  /** Asked whenever the metrics are, where audit events go to a FHIR server. */
  delivery?: DeliveryFigures
  /** Path below which the routes lie: it is left out of their names. */
  base?: string
  /** Registration ids; what is said of any other is told as `other`. */
  ehrs?: readonly string[]
  /** What runs here. */
  build?: { version: string; commit: string }
}

export interface Metrics extends Observer {
  /** What this app has measured, without its process. */
  measure(): Promise<Measured[]>
  /** The exposition text for the admin listener, the process included. */
  text(): Promise<string>
}

type Series = ReturnType<Instruments['requests']['labels']>

/** What many requests have in common: found and printed once, because a line in the log is dear. */
interface Kind {
  method: string
  route: string
  log: FastifyBaseLogger
  /** By status and error; there are no more of these than statuses and codes. */
  series: Record<string, Series>
}

/** Refusals below 500 that an operator can do something about. */
const ACTIONABLE: ReadonlySet<string> = new Set([
  ...['unknown_issuer', 'ambiguous_issuer', 'unknown_host', 'issuer_mismatch', 'unknown_ehr'],
  ...['logout_token_invalid', 'upstream_unauthorized', 'authorization_refused'],
  ...['upstream_elsewhere', 'upstream_charset', 'upstream_encoding'],
])

/** Of these the first one is an alarm: a counter that is not there before it has not risen, as Prometheus sees it. */
const ALARMING = ['internal', 'client_auth_failed'] as const

const MESSAGES: Record<Act['act'], string> = {
  login: 'login',
  login_failed: 'login failed',
  denial: 'refused by the EHR',
  logout: 'logout',
  ending: 'session ended',
  renewal: 'renewal',
  administration: 'asked for by the administrator',
}
const WARNED: ReadonlySet<Act['act']> = new Set(['login_failed', 'denial'])

const OUTCOMES: Partial<Record<Act['act'], string>> = {
  login: 'completed',
  login_failed: 'failed',
  denial: 'denied',
}

async function metrics(app: FastifyInstance, options: MetricsOptions): Promise<void> {
  judgeOptions('metrics', options, {
    delivery: optional(withMethods('takeCounts', 'queueBytes')),
    base: optional(aText),
    ehrs: optional(listOfTexts),
    build: optional(anObject),
  })
  const { base = '', build } = options
  const registry = new Registry()
  if (build) showBuild(registry, build)
  const made = createInstruments(registry)
  const registered = options.ehrs && new Set(options.ehrs)
  const kinds = new Map<string, Kind>()
  let active = 0
  let isAudited = false
  for (const code of ALARMING) {
    for (const ehr of ['', ...(registered ?? [])]) made.refusals.inc({ code, ehr }, 0)
  }
  made.faults.inc({ kind: 'caught' }, 0)

  app.addHook('onRequest', (_request, _reply, done) => {
    active++
    done()
  })
  app.addHook('onResponse', (_request, _reply, done) => {
    active--
    done()
  })
  showGauge(registry, 'http_server_active_requests', () => active)

  app.decorate('smartMetrics', {
    observe(record) {
      const { method, route, ehr, requestId: reqId, code, ...rest } = record
      const kind = kindOf(methodLabel(method), route, nameOf(ehr))
      const line = { reqId, code, ...rest }
      if (code !== undefined && ACTIONABLE.has(code)) kind.log.warn(line, 'request')
      else kind.log.info(line, 'request')
      seriesOf(kind, record.status, errorLabel(record)).observe(record.milliseconds / 1000)
      if (code !== undefined) made.refusals.inc({ code, ehr: nameOf(ehr) ?? '' })
    },
    tell({ act, requestId: reqId, whose: _forTheAudit, ...rest }) {
      const { ehr, reason = 'unknown' } = rest
      const isWarned = WARNED.has(act) || reason === 'failed'
      app.log[isWarned ? 'warn' : 'info']({ event: act, reqId, ...rest }, MESSAGES[act])
      const outcome = OUTCOMES[act]
      if (outcome !== undefined) made.logins.inc({ ehr: nameOf(ehr) ?? '', outcome })
      if (act === 'renewal') made.renewals.inc({ ehr: nameOf(ehr) ?? '', outcome: reason })
      return undefined
    },
    count: (event, ehr) => made.sessions.inc({ event, ehr }),
    countDenial: (ehr, error) => made.denials.inc({ ehr, error }),
    beginCall({ ehr, kind, method }) {
      const began = performance.now()
      return ({ status, error }) => {
        const milliseconds = performance.now() - began
        app.log.debug({ ehr, kind, method, status, error, milliseconds }, 'call')
        made.calls
          .labels({
            ...{ ehr, kind, http_request_method: methodLabel(method) },
            http_response_status_code: status === undefined ? '' : statusLabel(status),
            error_type: error ?? (status !== undefined && status >= 400 ? statusLabel(status) : ''),
          })
          .observe(milliseconds / 1000)
      }
    },
    noteVault: (operation, seconds, hasFailed) =>
      made.vault.labels({ operation, outcome: hasFailed ? 'failed' : 'done' }).observe(seconds),
    show: (gauge, read) => showGauge(registry, gauge, read),
    noteFault(error) {
      made.faults.inc({ kind: 'caught' })
      app.log.error(
        { err: describeError(error), at: locateFault(error) },
        'fault outside any request',
      )
    },
    measure,
    text: async () => await printMeasured([...(await measure()), ...(await measureProcess())]),
    countAudit(outcome) {
      if (!isAudited) made.audit.inc({ outcome: 'lost' }, 0)
      isAudited = true
      made.audit.inc({ outcome })
    },
  })

  const { delivery } = options
  if (delivery) showGauge(registry, 'fhirstorm_audit_queue_bytes', () => delivery.queueBytes())

  async function measure(): Promise<Measured[]> {
    for (const [outcome, count] of Object.entries(delivery?.takeCounts() ?? {})) {
      made.deliveries.inc({ outcome }, count)
    }
    return await readMeasured(registry)
  }

  function nameOf(ehr: string | undefined): string | undefined {
    return ehr === undefined || !registered || registered.has(ehr) ? ehr : 'other'
  }

  function kindOf(method: string, pattern: string, ehr: string | undefined): Kind {
    const key = `${method} ${pattern} ${ehr}`
    const known = kinds.get(key)
    if (known) return known
    const route =
      base !== '' && pattern.startsWith(`${base}/`) ? pattern.slice(base.length) : pattern
    const log = app.log.child({ method, route, ehr })
    const kind: Kind = { method, route, log, series: {} }
    kinds.set(key, kind)
    return kind
  }

  function seriesOf({ series, method, route }: Kind, status: number, error: string): Series {
    const key = error === '' ? String(status) : `${status} ${error}`
    series[key] ??= made.requests.labels({
      ...{ http_request_method: method, http_route: route, error_type: error },
      http_response_status_code: statusLabel(status),
    })
    return series[key]
  }
}

export default fp(metrics, { name: 'fhirstorm-metrics', fastify: '5.x' })
