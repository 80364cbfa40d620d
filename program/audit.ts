// What is recorded in the audit, and how, as the configuration has it. Pure: no I/O, no clock.

import type { AuditOptions } from '../plugins/audit.ts'
import { deriveKey } from '../src/keys.ts'
import type { Config } from './config/load.ts'

/** The options of the plugin `audit` for a sink that is open. */
export function buildAuditOptions(
  { audit, keyRing, registrations, publicUrl }: Config,
  { sink, now }: Required<Pick<AuditOptions, 'sink' | 'now'>>,
): AuditOptions {
  const [key] = keyRing.keys
  const isHashed = audit?.searchParameters === 'hash'
  const hashKey = deriveKey(key, 'audit parameters', keyRing.epoch)
  return {
    ...{ sink, registrations, publicUrl, now },
    failClosed: audit?.failClosed,
    parameters: isHashed ? { hashKey } : 'drop',
  }
}

/** Where events go, for comparing: what a running process cannot change of it. */
export function printPlace(audit: Config['audit']): string {
  if (audit === undefined) return 'nowhere'
  const { failClosed: _how, searchParameters: _what, ...place } = audit
  if (place.sink !== 'fhir') return JSON.stringify(place)
  const { token: _token, client: _client, network: _network, ...server } = place
  return JSON.stringify(server)
}
