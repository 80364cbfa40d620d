// What is measured, under the names of OpenTelemetry's conventions for HTTP in Prometheus' spelling, and the
// few words that labels may hold. No label is ever input. Pure: no I/O, no clock (attacks G5).

import { STATUS_CODES } from 'node:http'

/** Upper bounds in seconds, as the conventions advise for HTTP. */
export const httpSeconds = [
  ...[0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10],
]

/** Upper bounds in seconds for the vault, which answers in less than a millisecond. */
export const vaultSeconds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25, 1, 5]

/** Numbers that are looked up whenever the metrics are asked for; of several processes `across` says which one counts. */
export const gauges = {
  fhirstorm_up: {
    help: 'Whether an EHR answers, by FHIR traffic and discovery',
    labels: ['ehr'],
    across: 'min',
  },
  fhirstorm_breaker_open: {
    help: 'Whether an EHR that gave no answer is left in peace but for one request a pause',
    labels: ['ehr'],
    across: 'max',
  },
  fhirstorm_last_success_timestamp_seconds: {
    help: 'When an EHR answered a FHIR request last',
    labels: ['ehr'],
    across: 'max',
  },
  fhirstorm_last_failure_timestamp_seconds: {
    help: 'When an EHR left a FHIR request without an answer last',
    labels: ['ehr'],
    across: 'max',
  },
  fhirstorm_sessions_live: {
    help: 'Sessions in the vault, the same for all instances that share it',
    labels: ['ehr'],
    across: 'max',
  },
  fhirstorm_vault_bytes: {
    help: 'What the vault holds; of a Redis all of its memory, of a cluster one node',
    labels: [],
    across: 'max',
  },
  fhirstorm_vault_max_bytes: {
    help: 'Beyond which the vault takes nothing new; absent where it has no bound',
    labels: [],
    across: 'max',
  },
  fhirstorm_connections: {
    help: "Connections to an EHR's FHIR server that are open",
    labels: ['ehr'],
    across: 'sum',
  },
  fhirstorm_requests_waiting: {
    help: 'FHIR requests that wait for a connection to an EHR',
    labels: ['ehr'],
    across: 'sum',
  },
  fhirstorm_protocol_calls_in_flight: {
    help: "Calls to an EHR's authorization server under way, or waiting for a connection",
    labels: ['ehr'],
    across: 'sum',
  },
  fhirstorm_requests_in_flight: {
    help: 'FHIR requests under way to an EHR',
    labels: ['ehr'],
    across: 'sum',
  },
  fhirstorm_event_streams: {
    help: 'Event streams of an EHR that are open',
    labels: ['ehr'],
    across: 'sum',
  },
  fhirstorm_session_event_streams: {
    help: 'Streams of session events that are open',
    labels: [],
    across: 'sum',
  },
  fhirstorm_audit_queue_bytes: {
    help: 'Bytes of audit events that wait for the FHIR server',
    labels: [],
    across: 'sum',
  },
  http_server_active_requests: {
    help: 'Requests that have no whole answer yet',
    labels: [],
    across: 'sum',
  },
} as const satisfies Record<
  string,
  { help: string; labels: readonly 'ehr'[]; across: 'sum' | 'min' | 'max' }
>

/** What a process counts, whatever apps it has had. */
export const processMetrics = {
  fhirstorm_reloads_total: { help: 'Reloads, by what became of them', labels: ['outcome'] },
  fhirstorm_last_reload_successful: {
    help: 'Whether the last reload came into force; 1 before the first',
    labels: [],
  },
  fhirstorm_last_reload_success_timestamp_seconds: {
    help: 'Since when the configuration in force is',
    labels: [],
  },
  fhirstorm_log_lines_dropped_total: { help: 'Log lines that could not be written', labels: [] },
} as const

/** What the primary of several processes counts. */
export const crewMetrics = {
  fhirstorm_workers: { help: 'Workers that serve', labels: [] },
  fhirstorm_worker_restarts_total: {
    help: 'Workers that took the place of another, by what became of that one',
    labels: ['reason'],
  },
} as const

export type GaugeName = keyof typeof gauges

/** Values by registration id, or the one value of a gauge without labels. */
export type Shown = number | Iterable<readonly [ehr: string, value: number]>

const METHODS: ReadonlySet<string> = new Set([
  ...['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'CONNECT', 'TRACE', 'QUERY'],
])

/** The method as a label: one that HTTP knows, or `_OTHER`. */
export function methodLabel(method: string): string {
  return METHODS.has(method) ? method : '_OTHER'
}

/** The status as a label; one that HTTP does not know is told as the first of its class. */
export function statusLabel(status: number): string {
  if (STATUS_CODES[status] !== undefined) return String(status)
  return status >= 100 && status < 600 ? `${Math.trunc(status / 100)}00` : '_OTHER'
}

/** What went wrong at our side or behind it; empty where nothing did, or the caller alone. */
export function errorLabel(record: { status: number; code?: string; aborted?: boolean }): string {
  if (record.aborted) return 'aborted'
  return record.status >= 500 ? (record.code ?? statusLabel(record.status)) : ''
}
