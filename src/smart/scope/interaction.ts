// What a FHIR request does, in the terms of scopes (FHIR R4 RESTful API, SMART App Launch 2.2 scopes): which of
// create, read, update, delete and search, on which type. Pure: no I/O, no clock.

import { parseScope, type ResourceScope, splitScope } from './scope.ts'

export interface Interaction {
  /**
   * A letter of `cruds`; `x` for an operation, which scopes have no letter for; all of them for what is none
   * of FHIR's own, because nobody knows what an EHR makes of it.
   */
  permission: 'c' | 'r' | 'u' | 'd' | 's' | 'x' | 'cruds'
  /** A FHIR type; `*` for all of them at once. */
  type: string
}

const TYPE = /^[A-Z][A-Za-z]{0,63}$/
const READS = new Set(['GET', 'HEAD'])
const WRITES: Readonly<Record<string, Interaction['permission']>> = {
  POST: 'c',
  PUT: 'u',
  PATCH: 'u',
  DELETE: 'd',
}

/**
 * The interaction of a method and a path below the FHIR base, as its server reads it: escapes count for the
 * letters that they mean. Undefined for the capabilities, which everybody may read.
 */
export function findInteraction(method: string, path: string): Interaction | undefined {
  const segments = path.split('/').filter(Boolean).map(decode)
  const [type = '', id, third, fourth] = segments
  const isRead = READS.has(method)
  const write = Object.hasOwn(WRITES, method) ? WRITES[method] : undefined
  const unknown = { permission: 'cruds', type: TYPE.test(type) ? type : '*' } as const
  if (!isRead && write === undefined) return { ...unknown, type: '*' }
  if (type === 'metadata' && isRead) return undefined
  if (segments.some(segment => segment.startsWith('$'))) {
    return { permission: 'x', type: unknown.type }
  }
  const isSearch = isRead || (method === 'POST' && segments.at(-1) === '_search')
  if (segments.length === 0 || type.startsWith('_')) {
    return isSearch ? { permission: 's', type: '*' } : { ...unknown, type: '*' }
  }
  if (!TYPE.test(type)) return unknown
  if (id === undefined) return { permission: write ?? 's', type }
  if (id.startsWith('_')) return isSearch ? { permission: 's', type } : unknown
  if (third === undefined) return { permission: write ?? 'r', type }
  if (third === '_history' && isRead) return { permission: 'r', type }
  const isCompartment = (third === '*' || TYPE.test(third)) && (fourth ?? '_search') === '_search'
  return isCompartment && isSearch ? { permission: 's', type: third } : unknown
}

/** The resource scopes of a scope text. */
export function listResourceScopes(text: string): ResourceScope[] {
  return splitScope(text).flatMap(one => {
    const scope = parseScope(one)
    return scope?.kind === 'resource' ? [scope] : []
  })
}

/**
 * Whether granted scopes can hold an interaction at all: an EHR may refuse more. An operation needs some
 * scope that reads its type.
 */
export function canHold(
  scopes: readonly ResourceScope[],
  { permission, type }: Interaction,
): boolean {
  return scopes.some(scope => {
    if (scope.type !== '*' && scope.type !== type) return false
    if (permission === 'x') return /[rs]/.test(scope.permissions)
    return [...permission].every(letter => scope.permissions.includes(letter))
  })
}

/** A segment that cannot be decoded is none of FHIR's. */
function decode(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    return ''
  }
}
