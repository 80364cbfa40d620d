// The scope text of one authorization request: the registration's scopes, adapted to the kind of
// launch and to what the EHR can read. What the EHR's `scopes_supported` says takes no part: that list
// is not exhaustive (CF-10). Pure: no I/O, no clock.

import type { LaunchRequest, Registration } from '../types.ts'
import { parseScope, printScope, splitScope, toV1 } from './scope.ts'

/**
 * The scopes to ask for. An EHR launch says `launch` exactly once. A standalone launch never does,
 * and asks for a patient (`launch/patient`) where it wants one patient's data (SC-14 to SC-20).
 */
export function buildScope(registration: Registration, kind: LaunchRequest['kind']): string {
  const written = splitScope(registration.scope)
  const adapted = kind === 'ehr' ? forEhrLaunch(written) : forStandaloneLaunch(written)
  const texts = registration.quirks.scopeVersion === 'v1' ? adapted.map(writeV1) : adapted
  return [...new Set(texts)].join(' ')
}

/** Whether an id_token is asked for and will be verified, so that a nonce and the EHR's keys are needed. */
export function asksForIdToken({
  scope,
  idToken,
}: Pick<Registration, 'scope' | 'idToken'>): boolean {
  return idToken !== 'ignore' && splitScope(scope).includes('openid')
}

function forEhrLaunch(scopes: string[]): string[] {
  return scopes.includes('launch') ? scopes : ['launch', ...scopes]
}

function forStandaloneLaunch(scopes: string[]): string[] {
  const rest = scopes.filter(text => text !== 'launch')
  const asksForPatient = rest.some(text => /^launch\/patient(?:\?|$)/.test(text))
  const wantsPatientData = rest.some(text => text.startsWith('patient/'))
  return wantsPatientData && !asksForPatient ? ['launch/patient', ...rest] : rest
}

function writeV1(text: string): string {
  const scope = parseScope(text)
  return scope?.kind === 'resource' ? printScope(toV1(scope).scope) : text
}
