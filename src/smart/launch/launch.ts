// What a browser may ask of /launch and /login, judged against the registrations before any name is
// looked up or any connection made (attacks L1, L14). Pure: no I/O, no clock.

import { cleanId } from '../../clean-text.ts'
import { BrokerError } from '../../errors.ts'
import { decodeFormText } from '../../form.ts'
import { findRegistration, requireRegistration, unknownIssuer } from '../issuer.ts'
import type { LaunchRequest, Registration } from '../types.ts'

const MAX_LAUNCH_LENGTH = 8192
const VISIBLE = /^[\x20-\x7e]+$/
/** What may stand in a query's value as it is (RFC 3986 3.4), but for what ends one. */
const QUERY_VALUE = /^(?:[A-Za-z0-9\-._~!$'()*+,;:@/?=]|%[0-9A-Fa-f]{2})+$/

/** A query as parsed: repeated parameters are lists. */
export type Query = Readonly<Record<string, unknown>>

/**
 * The EHR launch that was asked for, or a standalone one for the same issuer when there is no
 * `launch`. With `ehr`, the launch URL of that registration. Refuses with `launch_invalid`,
 * `unknown_issuer`, `unknown_ehr` or `ambiguous_issuer`. `sent` is the query as it came.
 */
export function parseEhrLaunch(
  query: Query,
  registrations: readonly Registration[],
  { ehr, sent = '' }: { ehr?: string; sent?: string } = {},
): Omit<LaunchRequest, 'returnTo'> {
  const iss = readUnspaced(query, 'iss', sent)
  const launch = readUnspaced(query, 'launch', sent)
  if (iss === undefined) throw new BrokerError('launch_invalid', { detail: 'no iss' })
  if (launch !== undefined && (launch.length > MAX_LAUNCH_LENGTH || !VISIBLE.test(launch))) {
    throw new BrokerError('launch_invalid', { detail: 'launch is not a short visible text' })
  }
  const registration =
    ehr === undefined
      ? requireRegistration(registrations, iss)
      : requireAtIssuer(findById(registrations, ehr), iss)
  return launch === undefined
    ? { kind: 'standalone', registration, iss: registration.iss }
    : { kind: 'ehr', registration, iss, launch, launchAsSent: findSent(sent, 'launch') }
}

/** The one registration that a request names, whatever else is wrong with it; for the log. */
export function findNamed(
  { ehr, iss }: Query,
  registrations: readonly Registration[],
): Registration | undefined {
  if (ehr) return registrations.find(({ id }) => id === ehr)
  if (!iss) return registrations.length === 1 ? registrations[0] : undefined
  if (typeof iss !== 'string') return undefined
  const result = findRegistration(registrations, iss)
  return result.found === 'one' ? result.registration : undefined
}

/** The standalone launch that was asked for, or every registration to choose from. */
export function parseLogin(
  query: Query,
  registrations: readonly Registration[],
  sent = '',
): Omit<LaunchRequest, 'returnTo'> | { choices: readonly Registration[] } {
  const ehr = readOne(query, 'ehr')
  const iss = readUnspaced(query, 'iss', sent)
  if (ehr !== undefined && iss !== undefined) {
    throw new BrokerError('launch_invalid', { detail: 'both ehr and iss' })
  }
  const [only] = registrations
  if (ehr !== undefined) return buildStandalone(findById(registrations, ehr))
  if (iss !== undefined) {
    const result = findRegistration(registrations, iss)
    if (result.found === 'none') throw unknownIssuer(iss)
    if (result.found === 'several') return { choices: result.registrations }
    return buildStandalone(result.registration)
  }
  return registrations.length === 1 && only ? buildStandalone(only) : { choices: registrations }
}

function buildStandalone(registration: Registration): Omit<LaunchRequest, 'returnTo'> {
  return { kind: 'standalone', registration, iss: registration.iss }
}

function findById(registrations: readonly Registration[], id: string): Registration {
  const found = registrations.find(registration => registration.id === id)
  if (!found) throw new BrokerError('unknown_ehr', { detail: `asked for ${cleanId(id)}` })
  return found
}

function requireAtIssuer(registration: Registration, iss: string): Registration {
  if (findRegistration([registration], iss).found === 'none') {
    throw unknownIssuer(iss)
  }
  return registration
}

/** An address or a launch: no space stands in one, so that a plus sign is itself, as in base64. */
function readUnspaced(query: Query, name: string, sent: string): string | undefined {
  const value = readOne(query, name)
  const text = value?.includes(' ') ? findSent(sent, name) : undefined
  return text === undefined ? value : decodeFormText(text.replaceAll('+', '%2B'))
}

/** A value as it stands in a query; undefined where it is no plain one. */
function findSent(query: string, name: string): string | undefined {
  const pair = query.split('&').find(one => one.startsWith(`${name}=`))
  const value = pair?.slice(name.length + 1)
  return value !== undefined && QUERY_VALUE.test(value) ? value : undefined
}

/** One value or none: empty, repeated and bracketed parameters are refused, never guessed at. */
function readOne(query: Query, name: string): string | undefined {
  if (`${name}[]` in query) throw new BrokerError('launch_invalid', { detail: `${name} is a list` })
  const value = query[name]
  if (value === undefined) return undefined
  if (typeof value !== 'string' || value === '') {
    throw new BrokerError('launch_invalid', { detail: `${name} is empty or repeated` })
  }
  return value
}
