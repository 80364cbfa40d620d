// Where the environment and the command line meet the configuration: `${NAME}` inside any text of the
// file, and the variables and options that stand for settings: command line before environment before
// file. Pure: both are passed in.

import { findNearest } from './nearest.ts'
import { readAudit, readFlag, readOrigins, readVault } from './variable-values.ts'

export type Environment = Readonly<Record<string, string | undefined>>

type Report = (path: PropertyKey[], message: string) => void

const REFERENCE = /\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g

// Replaces `${NAME}` in every text below `value`.
function expand(
  value: unknown,
  env: Environment,
  report: Report,
  path: PropertyKey[] = [],
): unknown {
  if (typeof value === 'string') {
    return value.replace(REFERENCE, (whole, name: string) => {
      const found = env[name]
      if (found === undefined) report(path, `the environment variable ${name} is not set`)
      return found ?? whole
    })
  }
  if (Array.isArray(value)) {
    return value.map((item, i) => expand(item, env, report, [...path, i]))
  }
  if (value !== null && typeof value === 'object') {
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, expand(item, env, report, [...path, key])]),
    )
  }
  return value
}

interface Variable {
  name: string
  path: readonly PropertyKey[]
  /** The option of `start` that says the same. */
  option?: string
  read?: (text: string) => unknown
  /** Counts only where what it is a part of is there already, and has such a part. */
  isPart?: true
  /** Its twin for the same thing, which this one replaces. */
  insteadOf?: PropertyKey
}

const clientAuth = ['ehrs', 0, 'clientAuth']

/** Which variable stands for which place of the configuration. */
const VARIABLES: readonly Variable[] = [
  { name: 'FHIRSTORM_PUBLIC_URL', option: 'public-url', path: ['publicUrl'] },
  { name: 'FHIRSTORM_ISS', path: ['ehrs', 0, 'iss'] },
  { name: 'FHIRSTORM_CLIENT_ID', path: ['ehrs', 0, 'clientId'] },
  {
    ...{ name: 'FHIRSTORM_CLIENT_SECRET', path: [...clientAuth, 'secret'] },
    insteadOf: 'secretFile',
  },
  {
    ...{ name: 'FHIRSTORM_CLIENT_SECRET_FILE', path: [...clientAuth, 'secretFile'] },
    insteadOf: 'secret',
  },
  { name: 'FHIRSTORM_SCOPE', path: ['ehrs', 0, 'scope'] },
  { name: 'FHIRSTORM_ORIGINS', path: ['ehrs', 0, 'origins'], read: readOrigins },
  { name: 'FHIRSTORM_KEYS_FILE', option: 'keys-file', path: ['keysFile'] },
  { name: 'FHIRSTORM_VAULT', option: 'vault', path: ['vault'], read: readVault },
  { name: 'FHIRSTORM_AUDIT', option: 'audit', path: ['audit'], read: readAudit },
  { name: 'FHIRSTORM_AUDIT_TOKEN_FILE', path: ['audit', 'tokenFile'] },
  { name: 'FHIRSTORM_AUDIT_FAIL_CLOSED', path: ['audit', 'failClosed'], read: readFlag },
  { name: 'FHIRSTORM_FRONTEND_ORIGIN', path: ['frontend', 'origins'], read: readOrigins },
  { name: 'FHIRSTORM_LOG_LEVEL', option: 'log-level', path: ['log', 'level'] },
  {
    ...{ name: 'FHIRSTORM_PROCESSES', option: 'processes', path: ['processes'] },
    read: text => (text === 'auto' ? text : Number(text)),
  },
  { name: 'HOST', option: 'host', path: ['listen', 'host'] },
  { name: 'PORT', option: 'port', path: ['listen', 'port'], read: Number },
]

/** What counts where nothing else is said; an image knows where it keeps what. */
const DEFAULTS: readonly Variable[] = [
  { name: 'FHIRSTORM_DEFAULT_HOST', path: ['listen', 'host'] },
  {
    ...{ name: 'FHIRSTORM_DATA_DIR', path: ['vault'] },
    read: folder => ({ kind: 'sqlite', path: `${folder.replace(/\/$/, '')}/vault.db` }),
  },
  {
    ...{ name: 'FHIRSTORM_DATA_DIR', path: ['audit', 'path'], isPart: true },
    read: folder => `${folder.replace(/\/$/, '')}/audit.ndjson`,
  },
]

const KNOWN = [...VARIABLES, ...DEFAULTS].map(({ name }) => name).concat('FHIRSTORM_CONFIG')
/** What Kubernetes and container links put into the environment beside a service called fhirstorm. */
const OF_A_SERVICE =
  /^FHIRSTORM_(?:SERVICE_(?:HOST|PORT(?:_\w+)?)|PORT(?:_\d+_(?:TCP|UDP)(?:_(?:PROTO|PORT|ADDR))?)?)$/

/** Options of `start` that stand for settings. */
export const settingOptions: readonly string[] = VARIABLES.flatMap(({ option }) => option ?? [])

/** The environment in which the options of a command line count as the variables they stand for, each under its own name, too. */
export function withOptions(
  env: Environment,
  options: Readonly<Record<string, unknown>>,
): Environment {
  const given = VARIABLES.flatMap(({ name, option = '' }) => {
    const value = options[option]
    return typeof value === 'string' ? [name, `--${option}`].map(key => [key, value]) : []
  })
  return { ...env, ...Object.fromEntries(given) }
}

/** True when the environment describes an EHR, so that no file is needed. */
export function describesEhr(env: Environment): boolean {
  return env.FHIRSTORM_ISS !== undefined || env.FHIRSTORM_CLIENT_ID !== undefined
}

/** A document with what the environment says laid over it, and the variable that filled each place. */
export interface Overlaid {
  document: unknown
  /** The name of the variable that a place, or what it lies in, comes from; undefined for the file's own. */
  variableFor(path: readonly PropertyKey[]): string | undefined
}

/** Where faults of a document and of variables go. */
export interface OverlayReports {
  report: Report
  reportVariable(name: string, message: string): void
}

/**
 * Replaces `${NAME}` in every text of the file's document, and lays the environment over it and its
 * defaults below. Variables of an EHR stand for the only one; where the file has several they are
 * reported, unless it names them itself. So are names that are not set, and unknown ones that begin
 * with FHIRSTORM_.
 */
export function overlayEnvironment(
  written: unknown,
  env: Environment,
  { report, reportVariable }: OverlayReports,
): Overlaid {
  const document = expand(written, env, report)
  const named = new Set(listReferences(written))
  for (const name of Object.keys(env)) {
    if (!name.startsWith('FHIRSTORM_') || KNOWN.includes(name)) continue
    if (named.has(name) || OF_A_SERVICE.test(name)) continue
    const nearest = findNearest(name, KNOWN)
    reportVariable(name, `there is no such variable${nearest ? `; ${nearest} is one` : ''}`)
  }
  const filled = new Map<string, Variable>()
  if (!isMembers(document ?? {})) return { document, variableFor: () => undefined }
  const laid = (document ?? {}) as Members
  const isEhrWritten = !isEmpty(laid.ehrs)
  const isSeveral = Array.isArray(laid.ehrs) && laid.ehrs.length > 1
  for (const variable of VARIABLES) {
    const text = env[variable.name]
    if (text === undefined || named.has(variable.name)) continue
    if (variable.path[0] === 'ehrs' && isSeveral) {
      reportVariable(variable.name, 'the file has several EHRs: say it there, for one of them')
    } else fill(variable, text)
  }
  if (filled.has('ehrs.0.clientAuth.secretFile') && env.FHIRSTORM_CLIENT_SECRET !== undefined) {
    const message = 'FHIRSTORM_CLIENT_SECRET_FILE says it, too: set one of them'
    reportVariable('FHIRSTORM_CLIENT_SECRET', message)
  }
  for (const fallback of DEFAULTS) {
    const text = env[fallback.name]
    if (text === undefined || valueAt(laid, fallback.path) !== undefined) continue
    if (!fallback.isPart || takesPath(valueAt(laid, fallback.path.slice(0, -1))))
      fill(fallback, text)
  }
  return { document: laid, variableFor }

  function fill(variable: Variable, text: string): void {
    const { path, read, insteadOf } = variable
    if (path[0] === 'ehrs' && isEmpty(laid.ehrs)) laid.ehrs = [buildOnlyEhr()]
    const parent = path.slice(0, -1).reduce<unknown>(enter, laid)
    // What the file says in a wrong shape is not replaced, so that the fault is told.
    if (!isMembers(parent)) return
    if (insteadOf !== undefined) delete parent[insteadOf as string]
    parent[String(path.at(-1))] = read ? read(text) : text
    filled.set(path.join('.'), variable)
  }

  /** What the operator wrote: the option where there was one. */
  function nameGiven({ name, option }: Variable): string {
    return option !== undefined && env[`--${option}`] !== undefined ? `--${option}` : name
  }

  function variableFor(path: readonly PropertyKey[]): string | undefined {
    for (let length = path.length; length > 0; length--) {
      const variable = filled.get(path.slice(0, length).join('.'))
      if (variable) return nameGiven(variable)
    }
    // Of an EHR that no file describes, each missing setting is a missing variable.
    const isOnly = path[0] === 'ehrs' && !isEhrWritten
    const wanted = isOnly || document === undefined ? path.join('.') : undefined
    return VARIABLES.find(one => one.path.join('.') === wanted)?.name
  }
}

type Members = Record<string, unknown>

function isMembers(value: unknown): value is Members {
  return typeof value === 'object' && value !== null
}

/** What a document has at a place; undefined where nothing is. */
export function valueAt(document: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (value, key) => (isMembers(value) ? value[String(key)] : undefined),
    document,
  )
}

function isEmpty(list: unknown): boolean {
  return Array.isArray(list ?? []) && Object.keys(list ?? []).length === 0
}

/** What lies at a key, made where nothing does. */
function enter(parent: unknown, key: PropertyKey): unknown {
  if (!isMembers(parent)) return undefined
  const name = String(key)
  parent[name] ??= {}
  return parent[name]
}

function buildOnlyEhr(): Members {
  return { id: 'ehr', name: 'EHR', clientAuth: { method: 'client_secret_basic' } }
}

function listReferences(value: unknown): string[] {
  if (typeof value === 'string') return [...value.matchAll(REFERENCE)].map(([, name = '']) => name)
  return isMembers(value) ? Object.values(value).flatMap(listReferences) : []
}

function takesPath(audit: unknown): boolean {
  return isMembers(audit) && audit.sink !== 'stdout'
}
