// What a token may do: its scopes, its one patient, and its user's own rights. A `patient/` scope never
// leaves the patient's compartment; a `user/` scope never leaves what the user may see (SC-08, SC-09).

import { type Account, maySee } from '../authorization/accounts.ts'
import { parseResourceScope, type ResourceScope } from '../authorization/scopes.ts'
import { FhirProblem } from './problem.ts'
import { type Resource, valuesAt } from './resource.ts'
import { createMatcher } from './search-match.ts'

export interface Access {
  account: Account
  scopes: readonly ResourceScope[]
  /** The patient of the launch context. */
  patient?: string
}

/** Letter of SMART's `cruds`. */
export type Letter = 'c' | 'r' | 'u' | 'd' | 's'

/** The access of a token's scope text, account and patient. */
export function buildAccess(scope: string, account: Account, patient: string | undefined): Access {
  const scopes = scope.split(' ').flatMap(item => parseResourceScope(item) ?? [])
  return { scopes, account, patient }
}

/** Refuses with 403 an interaction that no scope of the token is about. */
export function requireScope(access: Access, letter: Letter, type: string): void {
  if (!access.scopes.some(scope => covers(scope, letter, type))) {
    throw new FhirProblem(403, 'forbidden', `no granted scope allows this on ${type}`, {
      headers: { 'www-authenticate': 'Bearer error="insufficient_scope"' },
    })
  }
}

/** Whether a token may do this to one resource. */
export function isAllowed(access: Access, letter: Letter, resource: Resource): boolean {
  return access.scopes.some(
    scope =>
      covers(scope, letter, resource.resourceType) &&
      isWithin(access, scope, letter, resource) &&
      (scope.filter === undefined || createMatcher(resource.resourceType, scope.filter)(resource)),
  )
}

/** Refuses with 403 what a token may not do to one resource. */
export function requireAllowed(access: Access, letter: Letter, resource: Resource): void {
  requireScope(access, letter, resource.resourceType)
  if (isAllowed(access, letter, resource)) return
  throw new FhirProblem(403, 'forbidden', 'this resource is beyond the granted access')
}

/** The patient whose compartment a resource lies in; undefined when it is nobody's. */
export function patientOf(resource: Resource): string | undefined {
  if (resource.resourceType === 'Patient') return resource.id
  const references = ['subject', 'patient', 'for', 'securityContext', 'beneficiary'].flatMap(name =>
    valuesAt(resource, `${name}.reference`),
  )
  const own = references.find(value => /(^|\/)Patient\/[^/]+$/.test(String(value)))
  return own === undefined ? undefined : String(own).split('/').at(-1)
}

function covers({ type, letters }: ResourceScope, letter: Letter, wanted: string): boolean {
  return (type === '*' || type === wanted) && letters.includes(letter)
}

function isWithin(
  { account, patient }: Access,
  { context }: ResourceScope,
  letter: Letter,
  resource: Resource,
): boolean {
  const owner = patientOf(resource)
  const reads = letter === 'r' || letter === 's'
  // What is nobody's, such as a Practitioner, may be read by all and written by clinicians.
  if (owner === undefined) return reads || (context === 'user' && account.patients === undefined)
  return maySee(account, owner) && (context === 'user' || owner === patient)
}
