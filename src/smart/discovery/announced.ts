// Members of the documents in which an EHR describes its authorization server, judged one by one:
// endpoints, issuers, lists. The documents only choose among the registration's pinned origins; what
// lies elsewhere is a refusal that names the origin to add (attacks L10, L13, L17, L18). Pure.

import { BrokerError } from '../../errors.ts'
import { isAbsent } from '../absent.ts'
import { readAddress } from '../https-twin.ts'
import { canonicalIssuer, isLoopbackHost } from '../issuer.ts'
import type { Registration } from '../types.ts'

const MAX_URL_LENGTH = 2048
const MAX_LIST_LENGTH = 1000
const ABSOLUTE = /^https?:\/\//i

/** The part of a registration that its EHR's documents are held against. */
export type Pins = Pick<Registration, 'id' | 'iss' | 'origins' | 'issuers' | 'scope' | 'idToken'> &
  Partial<Pick<Registration, 'quirks'>>

/**
 * One endpoint, absolute; undefined when it is not given. A relative one is resolved below the FHIR
 * base, which counts as a directory with or without its slash (RFC 1808, CF-03); http counts as https
 * by a quirk alone. Refuses with
 * `bad_metadata` what is no plain https address (http only on this machine), and with
 * `endpoint_not_pinned` what lies outside the pinned origins.
 */
export function parseEndpoint(value: unknown, name: string, pins: Pins): string | undefined {
  if (isAbsent(value)) return undefined
  const written = typeof value === 'string' ? resolve(value, pins.iss) : undefined
  if (written === undefined) throw bad(pins, `${name} is no plain address`)
  const url = readAddress(written, pins)
  if (url.protocol !== 'https:' && !isLoopbackHost(url.hostname)) {
    throw bad(
      pins,
      `${name} is not https (a proxy before the EHR that ends TLS: quirk httpAddresses)`,
    )
  }
  if (!pins.origins.includes(url.origin)) {
    throw new BrokerError('endpoint_not_pinned', {
      ehr: pins.id,
      detail: `${name} lies on ${url.origin}: add it to the registration's origins`,
    })
  }
  // An absolute address stays as it was written: it is compared, and signed over, byte for byte. Not so
  // `https:host/path`, which is relative here and absolute for whoever reads it without a base.
  return url === written && ABSOLUTE.test(String(value)) ? String(value) : url.href
}

/** As `parseEndpoint`, for endpoints that a login works without: dropped, with a warning. */
export function parseOptionalEndpoint(
  value: unknown,
  name: string,
  pins: Pins,
  warnings: string[],
): string | undefined {
  try {
    return parseEndpoint(value, name, pins)
  } catch (error) {
    if (!(error instanceof BrokerError)) throw error
    warnings.push(`${error.detail} (not used)`)
    return undefined
  }
}

/**
 * The issuer as announced; undefined when none is. It must be one of the registration's issuers, the
 * FHIR base itself, or lie on a pinned origin: an EHR that speaks in another's name is refused with
 * `bad_metadata`, and so is the mix-up that it would be good for.
 */
export function parseIssuer(value: unknown, pins: Pins): string | undefined {
  if (isAbsent(value)) return undefined
  if (typeof value !== 'string' || !/^[!-~]{1,2048}$/.test(value)) {
    throw bad(pins, 'the issuer is no plain text')
  }
  if (pins.issuers.includes(value)) return value
  const canonical = canonicalIssuer(value)
  if (canonical === undefined || !URL.canParse(canonical)) {
    throw bad(pins, 'the issuer is no plain address')
  }
  if (canonical === canonicalIssuer(pins.iss)) return value
  const { origin } = readAddress(new URL(canonical), pins)
  if (pins.origins.includes(origin)) return value
  throw bad(pins, `the issuer lies on ${origin}: add it to the registration's issuers or origins`)
}

/** A list of texts; undefined, with a warning where it is given, when it is anything else. */
export function parseList(
  value: unknown,
  name: string,
  warnings: string[],
): readonly string[] | undefined {
  if (isAbsent(value)) return undefined
  if (
    Array.isArray(value) &&
    value.length <= MAX_LIST_LENGTH &&
    value.every(item => typeof item === 'string')
  ) {
    return value
  }
  warnings.push(`${name} is not a list of texts (not used)`)
  return undefined
}

/**
 * As `parseList`, of what may be left unsaid: servers that write out a class write an empty list where they
 * say nothing, and nobody offers a login by no method at all.
 */
export function parseOptionalList(
  value: unknown,
  name: string,
  warnings: string[],
): readonly string[] | undefined {
  const list = parseList(value, name, warnings)
  return list?.length === 0 ? undefined : list
}

function resolve(text: string, iss: string): URL | undefined {
  if (text.length > MAX_URL_LENGTH || !/^[!-~]+$/.test(text) || /[\\#]/.test(text)) return undefined
  const base = iss.endsWith('/') ? iss : `${iss}/`
  const url = URL.canParse(text, base) ? new URL(text, base) : undefined
  const plain = url !== undefined && /^https?:$/.test(url.protocol)
  return plain && url.username === '' && url.password === '' ? url : undefined
}

function bad(pins: Pins, detail: string): BrokerError {
  return new BrokerError('bad_metadata', { ehr: pins.id, detail })
}
