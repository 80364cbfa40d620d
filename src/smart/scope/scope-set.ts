// Sets of scopes: shortest form, equivalence, and what of the requested was not granted. `read` and
// `rs` are the same permission, whatever a server echoes. Pure: no I/O, no clock (SC-02, SC-04, Q5).

import {
  fromScopeUri,
  parseScope,
  printScope,
  type ResourceScope,
  type Scope,
  splitScope,
  toV2,
} from './scope.ts'

const LETTERS = 'cruds'

/**
 * The shortest scope text of the same meaning, in v2 syntax: permissions on one type are joined, and
 * what a wider scope already holds is left out. Malformed and plain scopes stay as they are.
 */
export function factorScopes(text: string): string {
  const joined = new Map<string, ResourceScope>()
  const order: string[] = []
  for (const token of splitScope(text)) {
    const scope = parseScope(token)
    if (scope?.kind !== 'resource') {
      order.push(token)
      continue
    }
    const key = keyOf(scope)
    const earlier = joined.get(key)
    if (!earlier) order.push(key)
    joined.set(key, toV2(earlier ? join(earlier, scope) : scope))
  }
  const all = [...joined.values()]
  return order
    .filter(key => !isHeldByOthers(key, joined, all))
    .map(key => printOrKeep(key, joined))
    .join(' ')
}

/**
 * What was requested and is not held by the granted scopes, as it was requested. Launch scopes are
 * left out: they ask for context, which the context itself answers; their echo says nothing.
 */
export function missingScopes(requested: string, granted: string): string[] {
  const held = splitScope(granted).map(fromScopeUri)
  const resources = held.map(parseScope).filter(isResource)
  return splitScope(requested).filter(text => {
    const wanted = parseScope(text)
    if (wanted?.kind === 'launch') return false
    if (wanted?.kind === 'resource') return !isHeldBy(resources, wanted)
    return !held.includes(text)
  })
}

/** True when each permission of a scope is held by one of the others. */
function isHeldBy(holders: readonly ResourceScope[], wanted: ResourceScope): boolean {
  return [...wanted.permissions].every(letter =>
    holders.some(
      holder =>
        holder.level === wanted.level &&
        (holder.type === '*' || holder.type === wanted.type) &&
        holder.permissions.includes(letter) &&
        holder.parameters.every(parameter => hasParameter(wanted, parameter)),
    ),
  )
}

function hasParameter(scope: ResourceScope, [name, value]: readonly [string, string]): boolean {
  return scope.parameters.some(([otherName, other]) => otherName === name && other === value)
}

function isHeldByOthers(
  key: string,
  joined: ReadonlyMap<string, ResourceScope>,
  all: readonly ResourceScope[],
): boolean {
  const scope = joined.get(key)
  return (
    scope !== undefined &&
    isHeldBy(
      all.filter(other => other !== scope),
      scope,
    )
  )
}

function printOrKeep(key: string, joined: ReadonlyMap<string, ResourceScope>): string {
  const scope = joined.get(key)
  return scope ? printScope(scope) : key
}

// A space in front: no scope token begins with one, so a key is never taken for a token.
function keyOf(scope: ResourceScope): string {
  const parameters = scope.parameters.map(([name, value]) => `${name}=${value}`).sort()
  return ` ${scope.level}/${scope.type}?${[...new Set(parameters)].join('&')}`
}

function join(one: ResourceScope, other: ResourceScope): ResourceScope {
  const permissions = [...LETTERS].filter(letter =>
    (one.permissions + other.permissions).includes(letter),
  )
  return { ...one, permissions: permissions.join('') }
}

function isResource(scope: Scope | undefined): scope is ResourceScope {
  return scope?.kind === 'resource'
}
