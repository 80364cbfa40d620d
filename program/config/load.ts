// The configuration: fhirstorm.yaml or the variables of a single EHR, judged as a whole. Every fault
// is reported at once, with its place; nothing is guessed and nothing secret has a default. Files are
// read through the function passed in.

import { LineCounter, parseDocument } from 'yaml'
import type { z } from 'zod'
import { type KeyRing, parseKeyRing } from '../../src/keys.ts'
import { chooseRedirectPath, listRedirectFaults } from '../../src/smart/redirect-uri.ts'
import type { Registration } from '../../src/smart/types.ts'
import { type AdminConfig, loadAdmin } from './admin.ts'
import {
  describesEhr,
  type Environment,
  expandEnvironment,
  readEnvironment,
  variableFor,
} from './environment.ts'
import { listFileExposures, listServedFiles } from './exposure.ts'
import { ConfigError, type ConfigFault, locate, nameSetting } from './faults.ts'
import { checkNamedFiles, type DocumentContext, type ReadFile, readText } from './files.ts'
import { applyDefaults, loadRegistration } from './registration.ts'
import { type ConfigDocument, configSchema } from './schema.ts'
import { coverTheWorld } from './trusted-proxies.ts'
import { loadVault, type VaultConfig } from './vault.ts'

export { ConfigError, type ConfigFault } from './faults.ts'
export type { VaultConfig } from './vault.ts'

export interface Config
  extends Omit<ConfigDocument, 'ehrs' | 'listen' | 'vault' | 'keysFile' | 'frontend' | 'admin'> {
  admin: AdminConfig
  /** Without a trailing slash; its path prefixes every route. */
  publicUrl: string
  frontend: Omit<ConfigDocument['frontend'], 'origins'> & { origins: readonly string[] }
  listen: { host: string; port: number; tls?: { cert: string; key: string } }
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

/** The whole configuration, or ConfigError with every fault and its place. */
export async function loadConfig(source: ConfigSource): Promise<Config> {
  const { document, where } = readDocument(source)
  const faults: ConfigFault[] = []
  const report = (path: readonly PropertyKey[], message: string) => {
    const setting = source.file && nameSetting(path)
    faults.push({ where: where([...path]), setting, message })
  }

  const expanded = expandEnvironment(document, source.env, report)
  const judged = configSchema.safeParse(applyDefaults(expanded, report))
  const context = { report, readFile: source.readFile, env: source.env }
  if (source.file?.mode !== undefined) {
    for (const [place, message] of listFileExposures(document, source.file.mode)) {
      if (place) report(place, message)
      else faults.push({ where: source.file.name, message })
    }
  }
  if (!judged.success) {
    for (const issue of judged.error.issues) reportIssue(issue, report)
    await checkNamedFiles(expanded, context)
    throw new ConfigError(faults)
  }
  const { folder = '/', file } = source
  for (const [place = [], message] of listServedFiles(judged.data, { folder, name: file?.name })) {
    report(place, message)
  }
  const config = await assemble(judged.data, context)
  if (faults.length > 0) throw new ConfigError(faults)
  return config as Config
}

async function assemble(
  document: ConfigDocument,
  context: DocumentContext,
): Promise<Config | undefined> {
  const { report } = context
  const publicUrl = document.publicUrl.replace(/\/$/, '')
  const keyText = await readText(document.keysFile, ['keysFile'], 'secret', context)
  const keyRing = keyText === undefined ? undefined : parseAt(keyText, ['keysFile'], report)
  const registrations: (Registration | undefined)[] = []
  for (const [i, ehr] of document.ehrs.entries()) {
    const shared = { ...context, publicUrl, keyRing, ehrs: document.ehrs.length }
    registrations.push(await loadRegistration(ehr, ['ehrs', i], shared))
  }
  checkUniqueness(document, report)
  checkRedirects(document, report)
  if (coverTheWorld(document.trustedProxies)) {
    report(['trustedProxies'], 'together these are a good part of all addresses: name the proxies')
  }
  const vault = await loadVault(document.vault, context)
  const tls = await loadTls(document.listen.tls, context)
  const admin = await loadAdmin(document.admin, context)
  if (!keyRing || !vault || registrations.includes(undefined)) return undefined

  const { ehrs: _ehrs, keysFile: _keysFile, ...rest } = document
  const origins = document.frontend.origins.length
    ? document.frontend.origins
    : [new URL(publicUrl).origin]
  return {
    ...rest,
    publicUrl,
    admin,
    frontend: { ...document.frontend, origins },
    listen: { ...document.listen, tls },
    vault,
    keyRing,
    registrations: registrations as Registration[],
  }
}

function reportIssue(issue: z.core.$ZodIssue, report: Report): void {
  if (issue.code === 'unrecognized_keys') {
    for (const key of issue.keys) report([...issue.path, key], 'there is no such setting')
  } else {
    report(issue.path, issue.message)
  }
}

type Report = DocumentContext['report']

function readDocument({ file, env }: ConfigSource): {
  document: unknown
  where: (path: PropertyKey[]) => string
} {
  if (!file) {
    if (!describesEhr(env)) {
      throw new ConfigError([
        {
          where: 'configuration',
          message:
            'there is none: write fhirstorm.yaml, or set FHIRSTORM_PUBLIC_URL, FHIRSTORM_ISS, FHIRSTORM_CLIENT_ID, FHIRSTORM_CLIENT_SECRET_FILE, FHIRSTORM_SCOPE and FHIRSTORM_KEYS_FILE',
        },
      ])
    }
    return {
      document: readEnvironment(env),
      where: path => variableFor(path) ?? (path.map(String).join('.') || 'environment'),
    }
  }
  const lines = new LineCounter()
  const document = parseDocument(file.text, { lineCounter: lines, prettyErrors: false })
  if (document.errors.length > 0) {
    throw new ConfigError(
      document.errors.map(error => {
        const { line, col } = lines.linePos(error.pos[0])
        return { where: `${file.name}:${line}:${col}`, message: `not YAML (${error.code})` }
      }),
    )
  }
  return {
    document: document.toJS({ maxAliasCount: 20 }),
    where: path => locate(file.name, document, lines, path),
  }
}

async function loadTls(
  tls: ConfigDocument['listen']['tls'],
  context: DocumentContext,
): Promise<Config['listen']['tls']> {
  if (!tls) return undefined
  const place = ['listen', 'tls']
  const cert = await readText(tls.certFile, [...place, 'certFile'], 'public', context)
  const key = await readText(tls.keyFile, [...place, 'keyFile'], 'secret', context)
  return cert !== undefined && key !== undefined ? { cert, key } : undefined
}

function parseAt(text: string, place: PropertyKey[], report: Report): KeyRing | undefined {
  try {
    return parseKeyRing(text)
  } catch (error) {
    report(place, error instanceof Error ? error.message : 'not a key ring')
    return undefined
  }
}

function checkUniqueness({ ehrs, publicUrl }: ConfigDocument, report: Report): void {
  const seen = new Set<string>()
  for (const [i, { id, iss, redirectPath }] of ehrs.entries()) {
    if (seen.has(id)) report(['ehrs', i, 'id'], 'this id is used twice')
    seen.add(id)
    if (redirectPath && redirectPath !== '/redirect' && redirectPath !== `/redirect/${id}`) {
      report(['ehrs', i, 'redirectPath'], `must be /redirect or /redirect/${id}`)
    }
    if (iss === publicUrl) report(['ehrs', i, 'iss'], 'this is our own address')
  }
}

// Judged by the document, so that an EHR with another fault is judged too.
function checkRedirects({ ehrs }: ConfigDocument, report: Report): void {
  const redirected = ehrs.map(({ id, redirectPath, responseIss }) => ({
    id,
    redirectUri: redirectPath ?? chooseRedirectPath(id, ehrs.length),
    responseIss,
  }))
  for (const { index, setting, message } of listRedirectFaults(redirected)) {
    const key = setting === 'redirectUri' ? 'redirectPath' : setting
    report(['ehrs', index, key], message)
  }
}
