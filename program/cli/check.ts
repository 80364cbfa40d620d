// `fhirstorm check`: judges the configuration and the keys without starting anything; with --online
// asks each EHR how it authorizes, with --explain shows what every setting comes to. Status 0 when all
// is well, 1 when an EHR is not, 2 when the configuration is faulty.

import { BrokerError } from '../../src/errors.ts'
import { createEgress } from '../../src/network/egress.ts'
import {
  type ClientAddresses,
  describeClientAddresses,
  listClientAddresses,
} from '../../src/smart/client-addresses.ts'
import { discover } from '../../src/smart/discovery/discovery.ts'
import { lintScopes } from '../../src/smart/scope/scope-lint.ts'
import { lintClientAuth } from '../../src/smart/token/client-auth.ts'
import type { Registration } from '../../src/smart/types.ts'
import { parseCommandLine, readConfiguration } from './configuration.ts'
import { print } from './terminal.ts'

interface EhrReport {
  ehr: string
  iss: string
  advice: string[]
  /** Our addresses that are to be registered at the EHR. */
  register: ClientAddresses
  online?: { ok: boolean; code?: string; detail?: string; source?: string; warnings?: string[] }
  settings?: object
}

/** Runs the command and returns its exit status. */
export async function check(args: string[]): Promise<number> {
  const { values } = parseCommandLine(args, ['online', 'explain', 'json'])
  const config = await readConfiguration(values.config as string | undefined)
  if (!config) return 2
  const reports: EhrReport[] = []
  for (const registration of config.registrations) {
    reports.push({
      ehr: registration.id,
      iss: registration.iss,
      advice: lintScopes(registration.scope),
      register: listClientAddresses(registration, config.registrations, {
        publicUrl: config.publicUrl,
        postLogoutUrl: config.sessions.postLogoutUrl,
      }),
      ...(values.online ? { online: await ask(registration) } : {}),
      ...(values.explain ? { settings: explain(registration) } : {}),
    })
  }
  print(
    values.json
      ? `${JSON.stringify({ ok: reports.every(isWell), ehrs: reports }, null, 2)}\n`
      : describe(reports),
  )
  return reports.every(isWell) ? 0 : 1
}

function isWell({ online }: EhrReport): boolean {
  return online?.ok ?? true
}

async function ask(registration: Registration): Promise<NonNullable<EhrReport['online']>> {
  const egress = createEgress(registration)
  try {
    const { server } = await discover(registration, { fetch: egress.fetch, now: Date.now })
    const known = new Set(lintScopes(registration.scope))
    const advice = lintScopes(registration.scope, server.capabilities)
    const warnings = [
      ...server.warnings,
      ...lintClientAuth(registration.clientAuth, server),
      ...advice.filter(text => !known.has(text)),
    ]
    return { ok: true, source: server.source, warnings }
  } catch (error) {
    if (!(error instanceof BrokerError)) throw error
    return { ok: false, code: error.code, detail: error.detail }
  } finally {
    await egress.close()
  }
}

// Secrets and keys are named, never shown.
function explain({ clientAuth, network, ...settings }: Registration): object {
  return {
    ...settings,
    clientAuth: {
      method: clientAuth.method,
      ...('keys' in clientAuth ? { kids: clientAuth.keys.map(({ kid }) => kid) } : {}),
    },
    network: {
      reach: network.reach,
      privateCa: network.ca !== undefined,
      clientCertificate: network.clientCertificate !== undefined,
      proxied: network.proxy !== undefined,
    },
  }
}

function describe(reports: readonly EhrReport[]): string {
  const lines = ['the configuration is sound']
  for (const report of reports) {
    lines.push(`${report.ehr}  ${report.iss}`)
    lines.push('  to register at the EHR:')
    for (const text of describeClientAddresses(report.register)) lines.push(`    ${text}`)
    for (const text of report.advice) lines.push(`  advice: ${text}`)
    const { online, settings } = report
    if (online?.ok) lines.push(`  online: well, by ${online.source}`)
    else if (online) lines.push(`  online: ${online.code} ${online.detail ?? ''}`.trimEnd())
    for (const warning of online?.warnings ?? []) lines.push(`  warning: ${warning}`)
    if (settings) lines.push(JSON.stringify(settings, null, 2).replace(/^/gm, '  '))
  }
  return `${lines.join('\n')}\n`
}
