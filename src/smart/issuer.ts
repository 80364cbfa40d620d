// The issuer of a launch is a key into the registrations, never an address to visit: it is judged as
// text, before any parser, name look-up or request. Two spellings are one issuer when they differ in
// host case, default port or one trailing slash; everything else is exact, so that look-alikes are
// simply unknown (attacks L1-L3, L11, L12). Pure: no I/O, no clock.

import { cleanIssuer } from '../clean-text.ts'
import { BrokerError } from '../errors.ts'
import type { Registration } from './types.ts'

const MAX_ISSUER_LENGTH = 2048

// Scheme, host (name, IPv4 or bracketed IPv6), port, path; no user, query, fragment or backslash,
// visible ASCII only.
const ISSUER =
  /^(https?):\/\/([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::([1-9][0-9]{0,4}))?((?:\/[!$-.0-;=@-Z_a-z~]*)*)$/

const defaultPorts: Readonly<Record<string, string>> = { https: '443', http: '80' }

/** The registrations that an issuer names: several where two apps are registered at one EHR. */
export type FoundRegistration =
  | { found: 'none' }
  | { found: 'one'; registration: Registration }
  | { found: 'several'; registrations: readonly Registration[] }

/**
 * The form under which two spellings of one issuer are equal, or undefined for text that is no plain
 * absolute http(s) address.
 */
export function canonicalIssuer(text: string): string | undefined {
  if (text.length > MAX_ISSUER_LENGTH) return undefined
  const match = ISSUER.exec(text)
  if (match === null) return undefined
  const [, scheme = '', host = '', port, path = ''] = match
  const authority =
    port === undefined || port === defaultPorts[scheme]
      ? host.toLowerCase()
      : `${host.toLowerCase()}:${port}`
  return `${scheme}://${authority}${path.endsWith('/') ? path.slice(0, -1) : path}`
}

/** What counts as one issuer: itself, and with the quirk its twin with or without a last slash. */
export function listSpellings(issuer: string, { quirks }: Pick<Registration, 'quirks'>): string[] {
  if (quirks.issuerTrailingSlash === 'exact') return [issuer]
  return [issuer.replace(/\/$/, ''), issuer.replace(/\/?$/, '/')]
}

/**
 * Whether a text may be registered as an issuer: URL parsers see in it what it says (no numeric
 * host in disguise, no dot segments), and it is https, or http on this machine.
 */
export function isRegistrableIssuer(text: string): boolean {
  const canonical = canonicalIssuer(text)
  if (canonical === undefined || !URL.canParse(canonical)) return false
  const { href, protocol, hostname } = new URL(canonical)
  const unchanged = href === canonical || href === `${canonical}/`
  return unchanged && (protocol === 'https:' || isLoopbackHost(hostname))
}

/** Looks an issuer up among the registrations; touches no network. */
export function findRegistration(
  registrations: readonly Registration[],
  iss: string,
): FoundRegistration {
  const wanted = canonicalIssuer(iss)
  if (wanted === undefined) return { found: 'none' }
  const matches = registrations.filter(({ iss }) => canonicalIssuer(iss) === wanted)
  const [registration] = matches
  if (registration === undefined) return { found: 'none' }
  return matches.length === 1
    ? { found: 'one', registration }
    : { found: 'several', registrations: matches }
}

/**
 * The one registration of an issuer. Refuses with `unknown_issuer`, or with `ambiguous_issuer` where
 * several share it and the launch URL must name one.
 */
export function requireRegistration(
  registrations: readonly Registration[],
  iss: string,
): Registration {
  const result = findRegistration(registrations, iss)
  if (result.found === 'one') return result.registration
  throw result.found === 'none' ? unknownIssuer(iss) : new BrokerError('ambiguous_issuer')
}

/** The refusal of an issuer that nobody has registered; its log line says which, in a form that may stand there. */
export function unknownIssuer(iss: string): BrokerError {
  return new BrokerError('unknown_issuer', {
    detail: `no EHR is registered at ${cleanIssuer(iss)}`,
  })
}

/**
 * Whether the host of a URL (`URL.hostname`) is this machine by its very spelling: the only hosts for
 * which plain http is accepted.
 */
export function isLoopbackHost(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '127.0.0.1' || hostname === '[::1]'
}
