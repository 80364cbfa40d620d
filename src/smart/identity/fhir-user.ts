// `fhirUser`: who logged in, as a FHIR resource. Absolute, relative to the FHIR base, or in the old
// `profile` claim; never fetched. Pure: no I/O, no clock (SC-36, Q12; attacks I13).

import { isAbsent } from '../absent.ts'

const MAX_LENGTH = 2048
const REFERENCE =
  /^(?:Patient|Practitioner|PractitionerRole|RelatedPerson|Person)\/(?!\.+$)[A-Za-z0-9._-]{1,64}$/

/**
 * The user as an absolute URL; `profile` counts where there is no `fhirUser`, and other addresses of the FHIR
 * base as that. Undefined for another
 * type, another scheme than https, no FHIR reference at all; a foreign host is told as it is.
 */
export function resolveFhirUser(
  claims: Readonly<Record<string, unknown>>,
  base: string,
  aliases: readonly string[] = [],
): string | undefined {
  return resolve(isAbsent(claims.fhirUser) ? claims.profile : claims.fhirUser, base, aliases)
}

function resolve(value: unknown, base: string, aliases: readonly string[]): string | undefined {
  if (typeof value !== 'string' || value.length > MAX_LENGTH) return undefined
  const relative = value.startsWith('/') ? value.slice(1) : value
  if (REFERENCE.test(relative)) return `${trimSlash(base)}/${relative}`
  const reference = value.split('/').slice(-2).join('/')
  if (!REFERENCE.test(reference) || !/^[\x21-\x7e]+$/.test(value)) return undefined
  const host = value.slice(0, -reference.length)
  if (host === `${trimSlash(base)}/`) return value
  if (aliases.some(alias => host === `${trimSlash(alias)}/`))
    return `${trimSlash(base)}/${reference}`
  return isPlainHttps(host) ? value : undefined
}

function isPlainHttps(url: string): boolean {
  if (!URL.canParse(url)) return false
  const { protocol, username, password, search, hash } = new URL(url)
  return protocol === 'https:' && !username && !password && !search && !hash
}

/** The patient's id when a user at this FHIR base is a patient; undefined for everybody else. */
export function patientOf(fhirUser: string | undefined, base: string): string | undefined {
  const prefix = `${trimSlash(base)}/Patient/`
  return fhirUser?.startsWith(prefix) ? fhirUser.slice(prefix.length) : undefined
}

function trimSlash(base: string): string {
  return base.endsWith('/') ? base.slice(0, -1) : base
}
