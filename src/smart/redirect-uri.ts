// Where the browser comes back to. A code that one EHR made must never be taken for another's (mix-up,
// RFC 9700 4.4): each registration has a redirect URI of its own, or all that share one name themselves
// in their answers (RFC 9207), each by another name. Pure: no I/O, no clock (attacks C2, C3).

import { BrokerError } from '../errors.ts'
import { canonicalIssuer, listSpellings } from './issuer.ts'
import type { AuthorizationServer, PendingLaunch, Registration } from './types.ts'

/** The path of a redirect URI that is one registration's alone. */
export function ownRedirectPath(ehr: string): string {
  return `/redirect/${ehr}`
}

/** The redirect URI at which a request came, by the id in its path. */
export function redirectUriOf(publicUrl: string, ehr: string | undefined): string {
  return publicUrl + (ehr === undefined ? '/redirect' : ownRedirectPath(ehr))
}

/** The id of the registration whose redirect URI this is, where it is of one alone. */
export function findRedirected(
  registrations: readonly Pick<Registration, 'id' | 'redirectUri'>[],
  uri: string,
): string | undefined {
  const [only, ...others] = registrations.filter(({ redirectUri }) => redirectUri === uri)
  return others.length > 0 ? undefined : only?.id
}

/** The path of a registration that names none: its own, and the plain one where it stands alone. */
export function chooseRedirectPath(ehr: string, registrations: number): string {
  return registrations === 1 ? '/redirect' : ownRedirectPath(ehr)
}

export interface RedirectFault {
  /** Of the registration in the list. */
  index: number
  /** The setting to mend. */
  setting: 'redirectUri' | 'responseIss'
  message: string
}

type Redirected = Pick<Registration, 'id' | 'redirectUri' | 'responseIss'>

/** What would let one EHR's answer pass for another's, one fault a registration. */
export function listRedirectFaults(registrations: readonly Redirected[]): RedirectFault[] {
  return registrations.flatMap(({ id, redirectUri, responseIss }, index): RedirectFault[] => {
    const others = registrations.filter(
      other => other.id !== id && other.redirectUri === redirectUri,
    )
    if (others.length === 0) return []
    const names = others.map(other => other.id).join(', ')
    if (responseIss === undefined) {
      const message = `shares its redirect URI with ${names}, so that an answer of one could pass for another's: give it ${ownRedirectPath(id)}, or, where each of them announces RFC 9207, its responseIss`
      return [{ index, setting: 'redirectUri', message }]
    }
    return others.some(other => other.responseIss === responseIss)
      ? [
          {
            index,
            setting: 'responseIss',
            message: `${names} has the same: nothing tells them apart`,
          },
        ]
      : []
  })
}

/**
 * Refuses to send a user to an EHR that does not say that it will name itself as its registration
 * requires, with `issuer_unnamed`.
 */
export function requireNamedIssuer(
  { id: ehr, responseIss }: Pick<Registration, 'id' | 'responseIss'>,
  { issuer, issuerAnnounced, issParameterSupported }: AuthorizationServer,
): void {
  if (responseIss === undefined) return
  const fault = !issParameterSupported
    ? 'authorization_response_iss_parameter_supported is not announced, and responseIss is set'
    : issuerAnnounced && issuer !== responseIss
      ? 'the announced issuer is not the responseIss that is set'
      : undefined
  if (fault !== undefined) throw new BrokerError('issuer_unnamed', { ehr, detail: fault })
}

/**
 * Whether an answer with this `iss`, or without one, comes from the server that was asked. Where the EHR tells
 * no name beforehand, neither does the registration, and its redirect URI is its own in any case, every name on
 * one of its origins is its name: servers such as Keycloak give theirs unannounced.
 */
export function isFromIssuer(
  iss: string | undefined,
  registration: Pick<Registration, 'responseIss' | 'issuers' | 'origins' | 'quirks'>,
  { issuer, issuerAnnounced, issParameterSupported }: AuthorizationServer,
): boolean {
  const { responseIss, issuers, origins } = registration
  if (responseIss !== undefined) return iss === responseIss
  if (iss === undefined) return !issParameterSupported
  const names = [issuer, ...issuers].flatMap(name => listSpellings(name, registration))
  if (names.includes(iss)) return true
  const isUnnamed = !issuerAnnounced && issuers.length === 0 && !issParameterSupported
  return isUnnamed && URL.canParse(iss) && origins.includes(new URL(iss).origin)
}

/**
 * An EHR is heard at its redirect URI and nowhere else, so that the code of one is never taken for
 * another's: refuses with `issuer_mismatch` an answer that came to another address than was asked for, or
 * to a launch at an EHR that this registration was before (attacks C2).
 */
export function requireOwnRedirect(
  asked: string,
  pending: Pick<PendingLaunch, 'redirectUri' | 'iss'>,
  registration: Pick<Registration, 'id' | 'redirectUri' | 'iss'>,
): void {
  const hasMoved = canonicalIssuer(pending.iss) !== canonicalIssuer(registration.iss)
  if (asked !== pending.redirectUri || asked !== registration.redirectUri || hasMoved) {
    throw new BrokerError('issuer_mismatch', { ehr: registration.id })
  }
}
