// How a login that failed is begun again, as the page of its refusal offers it: the same kind of launch, and
// the same place to land. Pure: no I/O, no clock.

import type { BrokerError } from '../errors.ts'

/** No part of a login: nothing could be started again. */
const NO_LOGINS: readonly string[] = [
  'navigation_refused',
  'cross_site',
  'not_found',
  'method_not_allowed',
  // An app that asks wrongly would do so again.
  'facade_client_invalid',
]

/**
 * Where the page of a refusal leads: to the EHR, which begins again what it began, to a login of the same
 * EHR that lands where this one was to, or nowhere.
 */
export function chooseStart(
  { code, ehr, begun, returnTo, startAgain }: BrokerError,
  { loginPath, ehrNames }: { loginPath: string; ehrNames?: ReadonlyMap<string, string> },
): { startAgain?: string; isForEhr?: boolean } {
  if (NO_LOGINS.includes(code)) return {}
  if (begun === 'ehr') return { isForEhr: true }
  if (startAgain !== undefined) return { startAgain }
  const query = new URLSearchParams()
  if (ehr !== undefined && ehrNames?.has(ehr)) query.set('ehr', ehr)
  if (returnTo !== undefined) query.set('return_to', returnTo)
  return { startAgain: query.size > 0 ? `${loginPath}?${query}` : loginPath }
}
