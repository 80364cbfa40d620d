// What a FHIR request does, in the terms of scopes (FHIR R4 RESTful API, SMART App Launch 2.2 scopes): which of
// create, read, update, delete and search, on which type. Pure: no I/O, no clock.

import { parseScope, type ResourceScope, splitScope } from './scope.ts'

export interface Interaction {
  /** A letter of `cruds`; `x` for an operation, which scopes have no letter for. */
  permission: 'c' | 'r' | 'u' | 'd' | 's' | 'x'
  /** A FHIR type; `*` for all of them at once. */
  type: string
}

const TYPE = /^[A-Z][A-Za-z]{0,63}$/
const WRITES: Readonly<Record<string, Interaction['permission']>> = {
  POST: 'c',
  PUT: 'u',
  PATCH: 'u',
  DELETE: 'd',
}

/**
 * The interaction of a method and a path below the FHIR base, which has been judged before; undefined for
 * the capabilities, which everybody may read. What is none of FHIR's own is an operation on everything.
 */
export function findInteraction(method: string, path: string): Interaction | undefined {
  const segments = path.split('/').filter(Boolean)
  const [type = '', id, third, fourth] = segments
  const isRead = method === 'GET' || method === 'HEAD'
  if (type === 'metadata' && isRead) return undefined
  if (segments.some(segment => segment.startsWith('$')))
    return { permission: 'x', type: typeOf(type) }
  const isSearch = isRead || (method === 'POST' && segments.at(-1) === '_search')
  if (segments.length === 0 || type.startsWith('_')) {
    return isSearch ? { permission: 's', type: '*' } : { permission: 'x', type: '*' }
  }
  if (!TYPE.test(type)) return { permission: 'x', type: '*' }
  if (id === undefined) return { permission: isRead ? 's' : (WRITES[method] ?? 'x'), type }
  if (id.startsWith('_')) return { permission: isSearch ? 's' : 'x', type }
  if (third === undefined) return { permission: isRead ? 'r' : (WRITES[method] ?? 'x'), type }
  if (third === '_history' && isRead) return { permission: 'r', type }
  const isCompartment = (third === '*' || TYPE.test(third)) && (fourth ?? '_search') === '_search'
  if (isCompartment && isSearch) return { permission: 's', type: third }
  return { permission: 'x', type }
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
    return scope.permissions.includes(permission)
  })
}

function typeOf(segment: string): string {
  return TYPE.test(segment) ? segment : '*'
}
