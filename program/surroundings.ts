// What a process brings besides its configuration. Types only.

import type { AuditOptions } from '../plugins/audit.ts'
import type { HealthOptions } from '../plugins/health.ts'
import type { Vault } from '../src/vault/vault.ts'
import type { AdminListenerOptions } from './admin.ts'

/** What the process brings besides the configuration, for operators too; tests bring their own. */
export interface Surroundings
  extends Pick<
    AdminListenerOptions,
    'reload' | 'verbosity' | 'drain' | 'metricsText' | 'ehrStates'
  > {
  vault: Vault
  /** Where audit events go. */
  auditSink?: AuditOptions['sink']
  now?: () => number
  /** Text of openapi.yaml, for `docs: true`. */
  contract?: string
  /** Whether the process is about to end. */
  isDraining?: HealthOptions['isDraining']
  /** How many processes share what may begin within a while; 1 unless told. */
  processes?: number
}
