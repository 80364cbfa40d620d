// SMART scopes as values: parser, printer, and the two syntaxes (v1 `read`, v2 `rs`), with the finer
// `?name=value` form and URIs. Refuses by answering undefined what looks like a SMART scope and is
// none. Pure: no I/O, no clock (SMART App Launch 2.2, scopes and launch context).

export type ScopeLevel = 'patient' | 'user' | 'system'

export interface ResourceScope {
  kind: 'resource'
  level: ScopeLevel
  /** A FHIR type, or `*` for all, those to come included. */
  type: string
  version: 1 | 2
  /** An in-order subset of `cruds`. */
  permissions: string
  /** Search parameters that narrow it, as written: nothing is decoded. */
  parameters: readonly (readonly [name: string, value: string])[]
}

export interface LaunchScope {
  kind: 'launch'
  /** Context asked for (`patient`, `imagingstudy`); none for the EHR's own launch. */
  type?: string
  role?: string
}

/** OpenID, refresh and vendor scopes: plain words to us. */
export interface PlainScope {
  kind: 'plain'
  text: string
}

export type Scope = ResourceScope | LaunchScope | PlainScope

const TOKEN = /^[\x21\x23-\x5b\x5d-\x7e]{1,1024}$/
const RESOURCE = /^(patient|user|system)\/(\*|[A-Z][A-Za-z]{0,63})\.([a-z*]{1,5})(?:\?(.+))?$/
const LAUNCH = /^launch(?:\/([a-z]{1,64})(?:\?role=([^&=?]{1,256}))?)?$/
const SMART_LIKE = /^(?:patient|user|system|launch)[/?]/

const V1_PERMISSIONS: Readonly<Record<string, string>> = { read: 'rs', write: 'cud', '*': 'cruds' }
const SMART_PREFIX = 'http://smarthealthit.org/fhir/scopes/'
const OPENID_PREFIX = 'http://openid.net/specs/openid-connect-core-1_0#'

/** The single scopes of a scope text, in order, without repeats. */
export function splitScope(text: string): string[] {
  return [...new Set(text.split(/[ \t\r\n]+/).filter(Boolean))]
}

/** One scope as a value; undefined for a malformed one (bad suffix, type in wrong case, two roles). */
export function parseScope(text: string): Scope | undefined {
  if (!TOKEN.test(text)) return undefined
  const launch = LAUNCH.exec(text)
  if (launch) return { kind: 'launch', type: launch[1], role: launch[2] }
  const resource = RESOURCE.exec(text)
  if (resource) return parseResource(resource)
  return SMART_LIKE.test(text) ? undefined : { kind: 'plain', text }
}

function parseResource([, level, type, suffix, query]: RegExpExecArray): ResourceScope | undefined {
  const fromV1 = V1_PERMISSIONS[suffix as string]
  const permissions = fromV1 ?? suffix ?? ''
  if (fromV1 !== undefined ? query !== undefined : !/^c?r?u?d?s?$/.test(permissions)) {
    return undefined
  }
  const parameters = query === undefined ? [] : parseParameters(query)
  if (!parameters) return undefined
  return {
    kind: 'resource',
    level: level as ScopeLevel,
    type: type as string,
    version: fromV1 === undefined ? 2 : 1,
    permissions,
    parameters,
  }
}

function parseParameters(query: string): [string, string][] | undefined {
  const pairs = query.split('&').map((pair): [string, string] => {
    const at = pair.indexOf('=')
    return [pair.slice(0, Math.max(at, 0)), pair.slice(at + 1)]
  })
  return pairs.every(([name, value]) => name && value) ? pairs : undefined
}

/** The text of a scope; what parseScope read is printed as it was. */
export function printScope(scope: Scope): string {
  if (scope.kind === 'plain') return scope.text
  if (scope.kind === 'launch') {
    const role = scope.role === undefined ? '' : `?role=${scope.role}`
    return scope.type === undefined ? 'launch' : `launch/${scope.type}${role}`
  }
  const query = scope.parameters.map(([name, value]) => `${name}=${value}`).join('&')
  const suffix = scope.version === 1 ? v1SuffixOf(scope.permissions) : scope.permissions
  return `${scope.level}/${scope.type}.${suffix}${query && `?${query}`}`
}

function v1SuffixOf(permissions: string): string {
  const exact = Object.entries(V1_PERMISSIONS).find(([, letters]) => letters === permissions)
  return exact ? exact[0] : permissions
}

/** The v2 form of a resource scope: `read` is `rs`, `write` is `cud`, `*` is `cruds`. */
export function toV2(scope: ResourceScope): ResourceScope {
  return { ...scope, version: 2 }
}

/**
 * The narrowest v1 scope that holds a resource scope, for servers that know only v1. `widened` says
 * that it holds more than was asked: v1 has no single letters and no search parameters.
 */
export function toV1(scope: ResourceScope): { scope: ResourceScope; widened: boolean } {
  const reads = /[rs]/.test(scope.permissions)
  const writes = /[cud]/.test(scope.permissions)
  const permissions = reads && writes ? 'cruds' : reads ? 'rs' : 'cud'
  return {
    scope: { ...scope, version: 1, permissions, parameters: [] },
    widened: permissions !== scope.permissions || scope.parameters.length > 0,
  }
}

/** The plain form of a scope URI; anything without one of the two prefixes stays as it is. */
export function fromScopeUri(uri: string): string {
  for (const prefix of [SMART_PREFIX, OPENID_PREFIX]) {
    if (uri.startsWith(prefix) && uri.length > prefix.length) return uri.slice(prefix.length)
  }
  return uri
}
