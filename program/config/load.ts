// The configuration: fhirstorm.yaml or the variables of a single EHR, judged as a whole. Every fault
// is reported at once, with its place; nothing is guessed and nothing secret has a default. Files are
// read through the function passed in.

import type { z } from 'zod'
import { type KeyRing, parseKeyRing } from '../../src/keys.ts'
import { chooseRedirectPath, listRedirectFaults } from '../../src/smart/redirect-uri.ts'
import type { Registration } from '../../src/smart/types.ts'
import { type AdminConfig, type InternalConfig, loadAdmin, loadInternal } from './admin.ts'
import { type AuditConfig, loadAudit } from './audit.ts'
import { readDocument } from './document.ts'
import { type Environment, overlayEnvironment, valueAt } from './environment.ts'
import { listFileExposures, listServedFiles } from './exposure.ts'
import { listFacadeFaults } from './facade.ts'
import { ConfigError, type ConfigFault, nameSetting } from './faults.ts'
import { checkNamedFiles, type DocumentContext, type ReadFile, readText } from './files.ts'
import { describeIssue, expandUnion } from './issue-words.ts'
import { listLimitFaults } from './limit-faults.ts'
import { loadTls, type TlsConfig } from './listen.ts'
import { findNearest } from './nearest.ts'
import { listPathFaults } from './path-faults.ts'
import { listPortFaults } from './port-faults.ts'
import { applyPresets, loadRegistration } from './registration.ts'
import { type ConfigDocument, configSchema, listSettings } from './schema.ts'
import { findSoundParts, listFaultyParts, type SoundParts } from './sound-parts.ts'
import { coverTheWorld } from './trusted-proxies.ts'
import { loadVault, type VaultConfig } from './vault.ts'

export { ConfigError, type ConfigFault } from './faults.ts'
export type { VaultConfig } from './vault.ts'

export interface Config
  extends Omit<
    ConfigDocument,
    'ehrs' | 'listen' | 'vault' | 'keysFile' | 'frontend' | 'admin' | 'internal' | 'audit'
  > {
  admin: AdminConfig
  internal: InternalConfig
  /** Where audit events go; nowhere unless told. */
  audit?: AuditConfig
  /** Without a trailing slash; its path prefixes every route. */
  publicUrl: string
  frontend: Omit<ConfigDocument['frontend'], 'origins'> & { origins: readonly string[] }
  listen: { host: string; port: number; tls?: TlsConfig }
  vault: VaultConfig
  keyRing: KeyRing
  registrations: readonly Registration[]
}

export interface ConfigSource {
  /** The file, with its mode as far as it is known; none when the environment alone describes the EHR. */
  file?: { name: string; text: string; mode?: number }
  env: Environment
  /** Where relative paths begin: the configuration's folder. */
  folder?: string
  /** Reads a file named by the configuration. */
  readFile: ReadFile
}

/** What a configuration comes to. */
export interface Judged {
  /** Every part that is sound: all of the configuration where there is no fault. */
  sound: Partial<Config>
  faults: readonly ConfigFault[]
  /** Where a setting is written, or the nearest one above it. */
  placeOf(path: readonly PropertyKey[]): string
}

/** The whole configuration, or ConfigError with every fault and its place, in the order of the file. */
export async function loadConfig(source: ConfigSource): Promise<Config> {
  return wholeOf(await judgeConfig(source))
}

/** The configuration where there is no fault; throws ConfigError. */
export function wholeOf({ sound, faults }: Pick<Judged, 'sound' | 'faults'>): Config {
  if (faults.length > 0) throw new ConfigError(faults)
  return sound as Config
}

/** Judges every part of a configuration, whatever is wrong with the others; rejects with ConfigError where it has none. */
export async function judgeConfig(source: ConfigSource): Promise<Judged> {
  const { env, file, folder = '/', readFile } = source
  const written = readDocument(source)
  const faults: ConfigFault[] = []
  const reportAt = (where: string, message: string) => void faults.push({ where, message })
  const unknown = new Set<string>()
  const { document, variableFor } = overlayEnvironment(written.document, env, {
    report: (path, message) => {
      unknown.add(nameSetting(path))
      faults.push({ where: written.where(path), setting: nameSetting(path), message })
    },
    reportVariable: reportAt,
  })
  const placeOf = (path: readonly PropertyKey[]) => variableFor(path) ?? written.where(path)
  const report = (path: readonly PropertyKey[], message: string) => {
    const setting = nameSetting(path)
    // Of a text whose variable is not set nothing else is known.
    if (!unknown.has(setting)) faults.push({ where: placeOf(path), setting, message })
  }
  if (file?.mode !== undefined) {
    for (const [place, message] of listFileExposures(written.document, file.mode)) {
      if (place) report(place, message)
      else reportAt(file.name, message)
    }
  }
  const laid = applyPresets(document)
  const judged = configSchema.safeParse(laid)
  for (const issue of (judged.error?.issues ?? []).flatMap(expandUnion)) {
    reportIssue(issue, laid, report)
  }

  // What follows judges every part that is sound, whatever is wrong with the others.
  const parts = judged.data ?? findSoundParts(laid)
  const context = { report, readFile, env }
  for (const [place, value] of listFaultyParts(laid, parts)) {
    await checkNamedFiles(value, context, place)
  }
  for (const [place = [], message] of listServedFiles(parts, { folder, name: file?.name })) {
    report(place, message)
  }
  return { sound: await assemble(parts, { ...context, folder }), faults, placeOf }
}

async function assemble(
  parts: SoundParts,
  { folder, ...context }: DocumentContext & { folder: string },
): Promise<Partial<Config>> {
  const { report } = context
  const publicUrl = parts.publicUrl?.replace(/\/$/, '')
  const keyText = await readText(parts.keysFile, ['keysFile'], 'secret', context)
  const keyRing = keyText === undefined ? undefined : parseAt(keyText, ['keysFile'], report)
  const registrations: Registration[] = []
  for (const [i, ehr] of parts.ehrs.entries()) {
    const shared = { ...context, publicUrl: publicUrl ?? '', keyRing, ehrs: parts.ehrs.length }
    const registration = ehr && (await loadRegistration(ehr, ['ehrs', i], shared))
    if (registration) registrations.push(registration)
  }
  checkUniqueness(parts, report)
  checkRedirects(parts, report)
  if (coverTheWorld(parts.trustedProxies ?? [])) {
    report(['trustedProxies'], 'together these are a good part of all addresses: name the proxies')
  }
  for (const [place, message] of listLimitFaults(parts)) report(place, message)
  for (const [place, message] of listPortFaults(parts)) report(place, message)
  for (const [place, message] of listPathFaults(parts, folder)) report(place, message)
  checkProcesses(parts, report)
  for (const [place, message] of listFacadeFaults(parts)) report(place, message)
  const vault = parts.vault && (await loadVault(parts.vault, context))
  const tls = await loadTls(parts.listen?.tls, context)
  const admin = parts.admin === undefined ? false : await loadAdmin(parts.admin, context)
  const internal = await loadInternal(parts.internal, context)
  const audit = await loadAudit(parts.audit, { ...context, keyRing })
  const { ehrs: _ehrs, keysFile: _keysFile, frontend, listen, ...rest } = parts
  return {
    ...rest,
    publicUrl,
    admin,
    internal,
    audit,
    frontend: frontend && { ...frontend, origins: chooseOrigins(frontend, publicUrl) },
    listen: listen && { ...listen, tls },
    vault,
    keyRing,
    registrations,
  }
}

/** The frontend's own, or where it lies beside us. */
function chooseOrigins({ origins }: { origins: readonly string[] }, publicUrl?: string) {
  return origins.length > 0 || publicUrl === undefined ? origins : [new URL(publicUrl).origin]
}

function reportIssue(issue: z.core.$ZodIssue, document: unknown, report: Report): void {
  if (issue.code === 'unrecognized_keys') {
    for (const key of issue.keys) {
      const nearest = findNearest(key, listSettings())
      const hint = nearest ? `; ${nearest} is one` : ''
      report([...issue.path, key], `there is no such setting${hint}`)
    }
  } else if (issue.code !== 'custom' && valueAt(document, issue.path) === undefined) {
    report(issue.path, 'is missing')
  } else {
    report(issue.path, describeIssue(issue))
  }
}

type Report = DocumentContext['report']

/** What the file says; undefined where there is none and the environment describes the EHR. */
function checkProcesses({ processes, vault, audit }: SoundParts, report: Report): void {
  if (processes === undefined || processes === 1) return
  if (vault?.kind === 'memory') {
    report(['processes'], 'a vault in memory is of one process: take sqlite or redis for several')
  }
  // A worker's line goes by the primary, which may have to drop it after the worker has acknowledged.
  if (audit?.sink === 'stdout' && audit.failClosed) {
    const message =
      'lines of several processes pass through another: take file or fhir for audit.sink'
    report(['audit', 'failClosed'], message)
  }
}

function parseAt(text: string, place: PropertyKey[], report: Report): KeyRing | undefined {
  try {
    return parseKeyRing(text)
  } catch (error) {
    report(place, error instanceof Error ? error.message : 'not a key ring')
    return undefined
  }
}

function checkUniqueness({ ehrs, publicUrl }: SoundParts, report: Report): void {
  const seen = new Set<string>()
  for (const [i, ehr] of ehrs.entries()) {
    if (ehr === undefined) continue
    const { id, iss, redirectPath } = ehr
    if (seen.has(id)) report(['ehrs', i, 'id'], 'this id is used twice')
    seen.add(id)
    if (redirectPath && redirectPath !== '/redirect' && redirectPath !== `/redirect/${id}`) {
      report(['ehrs', i, 'redirectPath'], `must be /redirect or /redirect/${id}`)
    }
    if (iss === publicUrl) report(['ehrs', i, 'iss'], 'this is our own address')
  }
}

// Judged by the document, so that an EHR with another fault is judged too.
function checkRedirects({ ehrs }: SoundParts, report: Report): void {
  const redirected = ehrs.flatMap((ehr, place) => {
    if (ehr === undefined) return []
    const { id, redirectPath, responseIss } = ehr
    const redirectUri = redirectPath ?? chooseRedirectPath(id, ehrs.length)
    return [{ id, redirectUri, responseIss, place }]
  })
  for (const { index, setting, message } of listRedirectFaults(redirected)) {
    const key = setting === 'redirectUri' ? 'redirectPath' : setting
    report(['ehrs', redirected[index]?.place ?? index, key], message)
  }
}
