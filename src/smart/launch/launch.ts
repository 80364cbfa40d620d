// What a browser may ask of /launch and /login, judged against the registrations before any name is
// looked up or any connection made (attacks L1, L14). Pure: no I/O, no clock.

import { BrokerError } from '../../errors.ts'
import { findRegistration, requireRegistration } from '../issuer.ts'
import type { LaunchRequest, Registration } from '../types.ts'

const MAX_LAUNCH_LENGTH = 8192
const VISIBLE = /^[\x20-\x7e]+$/

/** A query as parsed: repeated parameters are lists. */
export type Query = Readonly<Record<string, unknown>>

/**
 * The EHR launch that was asked for, or a standalone one for the same issuer when there is no
 * `launch`. With `ehr`, the launch URL of that registration. Refuses with `launch_invalid`,
 * `unknown_issuer`, `unknown_ehr` or `ambiguous_issuer`.
 */
export function parseEhrLaunch(
  query: Query,
  registrations: readonly Registration[],
  ehr?: string,
): Omit<LaunchRequest, 'returnTo'> {
  const iss = readOne(query, 'iss')
  const launch = readOne(query, 'launch')
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
    : { kind: 'ehr', registration, iss, launch }
}

/** The standalone launch that was asked for, or every registration to choose from. */
export function parseLogin(
  query: Query,
  registrations: readonly Registration[],
): Omit<LaunchRequest, 'returnTo'> | { choices: readonly Registration[] } {
  const ehr = readOne(query, 'ehr')
  const iss = readOne(query, 'iss')
  if (ehr !== undefined && iss !== undefined) {
    throw new BrokerError('launch_invalid', { detail: 'both ehr and iss' })
  }
  const [only] = registrations
  if (ehr !== undefined) return buildStandalone(findById(registrations, ehr))
  if (iss !== undefined) {
    const result = findRegistration(registrations, iss)
    if (result.found === 'none') throw new BrokerError('unknown_issuer')
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
  if (!found) throw new BrokerError('unknown_ehr')
  return found
}

function requireAtIssuer(registration: Registration, iss: string): Registration {
  if (findRegistration([registration], iss).found === 'none') {
    throw new BrokerError('unknown_issuer')
  }
  return registration
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
