// What an id_token says of the user: `fhirUser` as SMART has it, absolute below the FHIR base of the
// authorization, and `profile` as servers before it had it.

import { findAccount } from './accounts.ts'

/** The claims of an account; which of them are told depends on the scopes. */
export function buildClaims(id: string, base: string): Record<string, unknown> {
  const account = findAccount(id)
  if (account === undefined) return { sub: id }
  const fhirUser = `${base}/${account.fhirUser}`
  return { sub: id, name: account.name, preferred_username: id, fhirUser, profile: fhirUser }
}
