// `fhirstorm check`: judges the configuration, the keys and all that a start would meet, without starting
// anything; with --online asks each EHR how it authorizes, with --explain shows what every setting comes
// to. Status 0 when all is well, 1 when an EHR, the vault or an address is not, 2 when the configuration
// is faulty.

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
import { ConfigError, wholeOf } from '../config/load.ts'
import { configurationOptions, readCommandLine } from './command-line.ts'
import { judgeParts, tellFaults } from './configuration.ts'
import { judgeAudit } from './judge-audit.ts'
import { explainNetwork } from './network-words.ts'
import { type Finding, judgeSurroundings } from './surroundings.ts'
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

const flag = { type: 'boolean' } as const
const grammar = {
  name: 'fhirstorm check',
  options: { ...configurationOptions, online: flag, explain: flag, json: flag },
  usage: `usage: fhirstorm check [--config FILE] [--online] [--explain] [--json]

  --config FILE  the configuration; else FHIRSTORM_CONFIG, or ./fhirstorm.yaml
  --online       asks each EHR how it authorizes, and each signer of a client key for a signature
  --explain      shows what every setting of an EHR comes to
  --json         prints JSON, whatever is found
`,
}

/** Runs the command and returns its exit status. */
export async function check(args: string[]): Promise<number> {
  const line = readCommandLine(args, grammar)
  if (typeof line === 'number') return line
  const { values } = line
  const judged = await judgeParts(values)
  const { sound, faults, placeOf } = judged
  const findings = [...(await judgeSurroundings(sound)), ...(await judgeAudit(sound))]
  if (faults.length > 0) {
    // All that keeps a start from serving is told in one run, in the order of the file.
    const met = findings.flatMap(({ kind, setting, message }) =>
      kind === 'fault' ? [{ where: placeOf(setting.split('.')), setting, message }] : [],
    )
    const error = new ConfigError([...faults, ...met])
    if (values.json) printJson({ ok: false, faults: error.faults })
    else tellFaults(error)
    return 2
  }
  const config = wholeOf(judged)
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
  const ok = reports.every(isWell) && findings.every(({ kind }) => kind !== 'fault')
  if (values.json) printJson({ ok, findings, ehrs: reports })
  else print(describe(reports, findings))
  return ok ? 0 : 1
}

function printJson(document: object): void {
  print(`${JSON.stringify(document, null, 2)}\n`)
}

function isWell({ online }: EhrReport): boolean {
  return online?.ok ?? true
}

async function ask(registration: Registration): Promise<NonNullable<EhrReport['online']>> {
  const egress = createEgress(registration)
  try {
    const { server } = await discover(registration, { fetch: egress.fetch, now: Date.now })
    await proveKeys(registration)
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
    return { ok: false, code: error.code, detail: explainNetwork(error.detail, registration) }
  } finally {
    await egress.close()
  }
}

/** Each client key signs once, wherever it is. */
async function proveKeys({ clientAuth }: Registration): Promise<void> {
  if (clientAuth.method !== 'private_key_jwt') return
  const input = new TextEncoder().encode('fhirstorm check --online')
  for (const key of clientAuth.keys) await key.sign(input)
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

function describe(reports: readonly EhrReport[], findings: readonly Finding[]): string {
  const isStartable = findings.every(({ kind }) => kind !== 'fault')
  const lines = [
    isStartable
      ? 'the configuration is sound'
      : 'the configuration is sound, what a start would meet is not',
  ]
  for (const { kind, setting, message } of findings) lines.push(`${kind}: ${setting}: ${message}`)
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
