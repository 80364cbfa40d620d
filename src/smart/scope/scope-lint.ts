// What is wrong with an operator's scopes, and what could be better, in one sentence each. Few and
// narrow scopes make a consent page that users understand. Pure: no I/O, no clock (AL-28, AL-29,
// SC-10 to SC-16, SC-34; SMART best practices).

import { parseScope, printScope, type ResourceScope, splitScope } from './scope.ts'
import { factorScopes } from './scope-set.ts'

const MISSPELT: Readonly<Record<string, string>> = {
  'offline-access': 'offline_access',
  'online-access': 'online_access',
  fhiruser: 'fhirUser',
  OpenID: 'openid',
}

/** Faults for which a registration is refused: malformed scopes, and system/ where a user logs in. */
export function listScopeFaults(scope: string): string[] {
  return splitScope(scope).flatMap(text => {
    const parsed = parseScope(text)
    if (!parsed) return [`the scope ${quote(text)} is malformed`]
    return parsed.kind === 'resource' && parsed.level === 'system'
      ? [`the scope ${quote(text)} is for clients without a user`]
      : []
  })
}

/**
 * Advice on scopes that work, in the order of a reader's interest; `capabilities` are the EHR's, where they
 * are known.
 */
export function lintScopes(scope: string, capabilities: readonly string[] = []): string[] {
  const texts = splitScope(scope)
  const has = (text: string) => texts.includes(text)
  const resources = texts.flatMap(text => {
    const parsed = parseScope(text)
    return parsed?.kind === 'resource' ? [parsed] : []
  })
  const rules: (string | false)[] = [
    ...listScopeFaults(scope),
    ...texts.map(adviseOnSpelling),
    ...resources.map(adviseOnWildcard),
    mixesVersions(resources) && 'scopes of SMART 1 (.read) and SMART 2 (.rs) are mixed',
    has('offline_access') && has('online_access') && 'offline_access makes online_access needless',
    has('offline_access') &&
      capabilities.includes('permission-online') &&
      'offline_access outlives the user, whose session here does not: the EHR offers online_access, which is enough',
    (has('fhirUser') || has('profile')) && !has('openid') && 'fhirUser needs openid',
    has('openid') && !has('fhirUser') && !has('profile') && 'openid without fhirUser names no user',
    isLongerThanNeeded(texts, resources) && `the same is asked for by: ${factorScopes(scope)}`,
  ]
  return rules.filter((advice): advice is string => advice !== false)
}

function adviseOnSpelling(text: string): string | false {
  const meant = Object.hasOwn(MISSPELT, text) ? MISSPELT[text] : undefined
  return meant !== undefined && `the scope ${quote(text)} is probably meant as ${meant}`
}

function adviseOnWildcard(scope: ResourceScope): string | false {
  return scope.type === '*' && `${printScope(scope)} asks for every type, also of the future`
}

function mixesVersions(resources: readonly ResourceScope[]): boolean {
  return new Set(resources.map(({ version }) => version)).size > 1
}

function isLongerThanNeeded(
  texts: readonly string[],
  resources: readonly ResourceScope[],
): boolean {
  if (resources.some(({ version }) => version === 1)) return false
  return factorScopes(texts.join(' ')).split(' ').length < texts.length
}

function quote(text: string): string {
  return JSON.stringify(text)
}
