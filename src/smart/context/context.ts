// The launch context of a token answer as a typed, bounded value: what is malformed is dropped with a
// warning, and nothing passes that is not named here or allow-listed by the registration. Style URLs
// are told and never fetched. Pure: no I/O, no clock (SC-23 to SC-32, SC-41; attacks T8, T9).

import { isAbsent } from '../absent.ts'
import type { LaunchContext, Registration } from '../types.ts'
import { parseAuthorizationDetails } from './authorization-details.ts'
import { parseFhirContext } from './fhir-context.ts'
import { explainNoId, parseBoolean, parseResourceId, parseText, parseWebUrl } from './member.ts'

const MAX_TEXT = 256
const MAX_EXTRA = 4096
/** Never shown, whatever is allow-listed. */
const SECRET_MEMBERS = new Set(['access_token', 'refresh_token', 'id_token'])

type ContextRules = Pick<Registration, 'extras' | 'origins' | 'iss' | 'baseAliases'>

/** A context with the names of what was dropped from it. */
export interface ParsedContext {
  context: LaunchContext
  warnings: string[]
}

/** Reads the launch context out of the members of a token answer; refuses nothing, drops much. */
export function parseLaunchContext(
  members: ReadonlyMap<string, unknown>,
  { extras, origins, iss, baseAliases }: ContextRules,
): ParsedContext {
  const warnings: string[] = []
  function read<T>(name: string, parse: (value: unknown) => T | undefined): T | undefined {
    const value = members.get(name)
    if (isAbsent(value)) return undefined
    const parsed = parse(value)
    if (parsed === undefined) warnings.push(`${name} dropped`)
    return parsed
  }
  const bases = [iss, ...baseAliases]
  function readId(name: string, type: 'Patient' | 'Encounter'): string | undefined {
    const value = members.get(name)
    if (isAbsent(value)) return undefined
    const id = parseResourceId(value, type, bases)
    if (id === undefined) warnings.push(`${name} dropped: ${explainNoId(value)}`)
    return id
  }
  const fhirContext = parseFhirContext(members.get('fhirContext'))
  const details = parseAuthorizationDetails(members.get('authorization_details'))
  const context: LaunchContext = {
    patient: readId('patient', 'Patient'),
    encounter: readId('encounter', 'Encounter'),
    fhirContext: fhirContext.items,
    intent: read('intent', value => parseText(value, MAX_TEXT)),
    needPatientBanner: read('need_patient_banner', parseBoolean) ?? true,
    smartStyleUrl: read('smart_style_url', value => parseStyleUrl(value, origins)),
    tenant: read('tenant', value => parseText(value, MAX_TEXT)),
    authorizationDetails: details.items,
    extras: pickExtras(members, extras, warnings),
  }
  return { context, warnings: [...warnings, ...fhirContext.warnings, ...details.warnings] }
}

// Plain http only where the EHR itself is reached so, on this machine.
function parseStyleUrl(value: unknown, origins: readonly string[]): string | undefined {
  const url = parseWebUrl(value)
  const known = url?.startsWith('https://') || (url && origins.includes(new URL(url).origin))
  return known ? url : undefined
}

function pickExtras(
  members: ReadonlyMap<string, unknown>,
  allowed: readonly string[],
  warnings: string[],
): Record<string, unknown> {
  const extras: [string, unknown][] = []
  for (const name of allowed) {
    const value = members.get(name)
    if (isAbsent(value) || SECRET_MEMBERS.has(name)) continue
    if (JSON.stringify(value).length <= MAX_EXTRA) extras.push([name, value])
    else warnings.push(`${name} dropped`)
  }
  return Object.fromEntries(extras)
}
