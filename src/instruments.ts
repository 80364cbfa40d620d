// The instruments that count and time, in a registry of Prometheus. What they are called is part of the
// product: docs/operations.md names each, and the alert rules and the dashboard are held against them.

import { Counter, Gauge, Histogram, type Registry } from '@prometheus-io/client'
import {
  type GaugeName,
  gauges,
  httpSeconds,
  processMetrics,
  type Shown,
  vaultSeconds,
} from './measures.ts'

/** The registry's instruments, each made once. */
export type Instruments = ReturnType<typeof createInstruments>

/** Makes the instruments in a registry. */
export function createInstruments(registry: Registry) {
  const registers = [registry]
  const count = <L extends string>(name: string, help: string, labelNames: readonly L[]) =>
    new Counter<L>({ name, help, labelNames: [...labelNames], registers })
  const time = <L extends string>(
    name: string,
    help: string,
    labelNames: readonly L[],
    buckets: readonly number[],
  ) =>
    new Histogram<L>({ name, help, labelNames: [...labelNames], buckets: [...buckets], registers })
  const [method, status] = ['http_request_method', 'http_response_status_code'] as const

  return {
    requests: time(
      'http_server_request_duration_seconds',
      'Duration of requests by route pattern',
      [method, 'http_route', status, 'error_type'],
      httpSeconds,
    ),
    calls: time(
      'http_client_request_duration_seconds',
      'Duration of calls to EHRs until the answer is over',
      ['ehr', 'kind', method, status, 'error_type'],
      httpSeconds,
    ),
    vault: time(
      'fhirstorm_vault_operation_duration_seconds',
      'Duration of operations of the vault',
      ['operation', 'outcome'],
      vaultSeconds,
    ),
    refusals: count('fhirstorm_refusals_total', 'Requests refused by fhirstorm, by code', [
      ...(['code', 'ehr'] as const),
    ]),
    logins: count('fhirstorm_logins_total', 'Logins that came back, by what became of them', [
      ...(['ehr', 'outcome'] as const),
    ]),
    renewals: count('fhirstorm_renewals_total', 'Renewals of access, by what became of them', [
      ...(['ehr', 'outcome'] as const),
    ]),
    sessions: count('fhirstorm_session_events_total', 'What happened to sessions, by EHR', [
      ...(['event', 'ehr'] as const),
    ]),
    denials: count(
      'fhirstorm_authorization_denials_total',
      'Authorizations that an EHR refused, by its error',
      ['ehr', 'error'],
    ),
    faults: countFaults(registry),
    audit: count('fhirstorm_audit_events_total', 'Audit events, by what became of them', [
      ...(['outcome'] as const),
    ]),
    deliveries: count(
      'fhirstorm_audit_deliveries_total',
      'Audit events on their way to a FHIR server, and tries that failed',
      ['outcome'],
    ),
  }
}

/** Counts what is told of a process since its start; each time the whole of it. */
export function createOutsideCounters(registry: Registry) {
  const faults = countFaults(registry)
  const { help } = processMetrics.fhirstorm_log_lines_dropped_total
  const dropped = new Counter({
    ...{ name: 'fhirstorm_log_lines_dropped_total', help, registers: [registry] },
  })
  let counted = { exception: 0, rejection: 0, droppedLogLines: 0 }

  return (now: typeof counted): void => {
    for (const kind of ['exception', 'rejection'] as const) {
      faults.inc({ kind }, now[kind] - counted[kind])
    }
    dropped.inc(now.droppedLogLines - counted.droppedLogLines)
    counted = now
  }
}

function countFaults(registry: Registry): Counter<'kind'> {
  const name = 'fhirstorm_faults_total'
  const help = 'Faults outside of any request, by how they were seen'
  return new Counter({ name, help, labelNames: ['kind'], registers: [registry] })
}

/** Tells once and for all which build this is. */
export function showBuild(registry: Registry, build: { version: string; commit: string }): void {
  const [name, help] = ['fhirstorm_build_info', 'Always 1; says what runs here']
  const labelNames = ['version', 'commit'] as const
  const shared = { labelNames: [...labelNames], registers: [registry], aggregator: 'max' as const }
  new Gauge({ name, help, ...shared }).set(build, 1)
}

/** Makes a gauge that is read whenever the registry is asked; one that cannot be read tells nothing. */
export function showGauge(
  registry: Registry,
  name: GaugeName,
  read: () => Shown | Promise<Shown>,
): void {
  const { help, labels, across } = gauges[name]
  if (registry.getSingleMetric(name) !== undefined) return
  const gauge: Gauge<'ehr'> = new Gauge<'ehr'>({
    ...{ name, help, labelNames: [...labels], registers: [registry], aggregator: across },
    async collect() {
      const shown = await Promise.resolve(read()).catch(() => undefined)
      gauge.reset()
      if (typeof shown === 'number') gauge.set(shown)
      else for (const [ehr, value] of shown ?? []) gauge.set({ ehr }, value)
    },
  })
}
