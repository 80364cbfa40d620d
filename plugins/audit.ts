// Capability: what happened, for auditors: one FHIR AuditEvent for each act and each proxied call, in a sink of
// its own. With `failClosed` nothing is acknowledged that is not recorded; otherwise recording delays nothing,
// and what the sink does not take is counted (attacks G8).

import type { FastifyInstance, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { pseudonymOf } from '../src/about.ts'
import { createActEvents } from '../src/audit/act-event.ts'
import { createCallEvents } from '../src/audit/call-event.ts'
import { type CallRecord, createCallRecords } from '../src/audit/call-record.ts'
import type { AuditSink } from '../src/audit/recorder.ts'
import { createRecording } from '../src/audit/recording.ts'
import type { ParameterRule } from '../src/audit/search.ts'
import { describeError } from '../src/error-description.ts'
import type { ProxiedRequest } from '../src/exchange/proxied-request.ts'
import { callerOf } from '../src/network/address.ts'
import {
  aBoolean,
  aPublicUrl,
  judgeOptions,
  listWith,
  optional,
  requireParts,
  withMethods,
} from '../src/plugin-terms.ts'
import type {} from './metrics.ts'

declare module 'fastify' {
  interface FastifyInstance {
    smartAudit?: Audit
  }
}

export interface Audit {
  /** The record of a call that is about to be made for a request. */
  begin(request: Pick<FastifyRequest, 'ip' | 'id'>, call: BegunCall): CallRecord
}

type BegunCall = Pick<ProxiedRequest, 'method' | 'target' | 'form' | 'open'>

export interface AuditOptions {
  /** Where events go. Whoever has opened it closes it, after the app. */
  sink: Pick<AuditSink, 'record'>
  registrations: readonly { id: string; iss: string; clientId?: string }[]
  /** Public URL without a trailing slash: it names whoever records. */
  publicUrl: string
  /** Whether nothing is acknowledged that is not recorded; false unless told. */
  failClosed?: boolean
  /** What is told of search parameters: their keyed hashes, or nothing (`drop`), as it is unless told. */
  parameters?: ParameterRule
  /** Milliseconds since the epoch; this machine's clock unless told. */
  now?: () => number
}

/** How often lost events are told in the log; every one of them is counted. */
const TOLD_EVERY_MS = 10_000

async function audit(app: FastifyInstance, options: AuditOptions): Promise<void> {
  requireParts(app, 'audit', ['smartMetrics'])
  judgeOptions('audit', options, {
    sink: withMethods('record'),
    registrations: listWith('id', 'iss'),
    publicUrl: aPublicUrl,
    failClosed: optional(aBoolean),
  })
  const { sink, publicUrl, failClosed = false, parameters = 'drop', now = Date.now } = options
  const { smartMetrics: metrics } = app
  const terms = { publicUrl, ehrs: options.registrations, now }
  const { record, settle } = createRecording({
    ...{ sink, failClosed, onLost: noteLost },
    onRecorded: () => metrics.countAudit('recorded'),
  })
  const buildAct = createActEvents(terms)
  const { tell } = metrics
  metrics.tell = act => {
    tell(act)
    return record(buildAct(act))
  }
  const build = createCallEvents({ ...terms, parameters })
  const begin = createCallRecords({ build, record, failClosed })
  app.decorate('smartAudit', {
    begin(request, asked) {
      const { recordId, session } = asked.open
      const [name, whose] = [pseudonymOf(recordId), session.tokens]
      return begin({ ehr: session.ehr, session: name, whose, asked, ...callerOf(request) })
    },
  })

  // Among the first to be registered, and so among the last to end: what ends before it is recorded.
  app.addHook('onClose', settle)

  let lost = 0
  let toldAt = Number.NEGATIVE_INFINITY

  function noteLost(error: unknown): void {
    metrics.countAudit('lost')
    lost++
    const at = performance.now()
    if (at - toldAt < TOLD_EVERY_MS) return
    toldAt = at
    app.log.error({ events: lost, err: describeError(error) }, 'audit events were not recorded')
    lost = 0
  }
}

export default fp(audit, { name: 'fhirstorm-audit', fastify: '5.x' })
