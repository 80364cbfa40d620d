// Presets: what is known of a vendor's servers, as nothing but registration settings. Whatever the
// registration itself says wins; lists are joined. Pure: no I/O, no clock.

import { isRecord } from './json.ts'
import type { Quirks, Registration } from './types.ts'

export interface PresetSettings
  extends Partial<Pick<Registration, 'origins' | 'issuers' | 'aud' | 'idToken'>> {
  quirks?: Partial<Quirks>
}

export interface Preset {
  vendor: string
  /** What an operator should know beyond the settings. */
  note: string
  settings: PresetSettings
  /** Ends of the names of hosts that are this vendor's alone. */
  hosts?: readonly string[]
  /** What private_key_jwt is signed with where the server does not say. */
  alg?: 'ES384' | 'RS384'
}

const presets = {
  epic: {
    hosts: ['epic.com'],
    vendor: 'Epic',
    note: 'Endpoints lie on the host of the FHIR base. private_key_jwt is the better choice.',
    settings: { quirks: { basicEncoding: 'raw' } },
  },
  oracle: {
    hosts: ['cerner.com'],
    vendor: 'Oracle Health (Cerner)',
    note: 'The `iss` of id_tokens differs by tenant: add it under `issuers`.',
    settings: { origins: ['https://authorization.cerner.com'] },
  },
  athenahealth: {
    hosts: ['athenahealth.com'],
    vendor: 'athenahealth',
    note: 'Token calls are limited per minute; keys and issuer lie on another host.',
    settings: {
      origins: ['https://api.platform.athenahealth.com', 'https://athena.okta.com'],
    },
  },
  eclinicalworks: {
    hosts: ['eclinicalworks.com', 'ecwcloud.com', 'healow.com'],
    alg: 'RS384',
    vendor: 'eClinicalWorks',
    note: 'Keys and endpoints lie on another host than the FHIR base. private_key_jwt: RS384.',
    settings: { origins: ['https://oauthserver.eclinicalworks.com'] },
  },
  meditech: {
    hosts: ['meditech.com'],
    alg: 'RS384',
    vendor: 'MEDITECH',
    note: 'FHIR bases carry :443. private_key_jwt takes RS256 and RS384, not ES384.',
    settings: { quirks: { issuerTrailingSlash: 'ignore' } },
  },
  veradigm: {
    hosts: ['allscripts.com', 'allscriptscloud.com', 'veradigm.com'],
    vendor: 'Veradigm (Allscripts)',
    note: 'Older products speak DSTU2 and announce their endpoints in the Conformance alone.',
    settings: {},
  },
  nextgen: {
    hosts: ['nextgen.com', 'nextgenaqa.com'],
    vendor: 'NextGen',
    note: 'Some products refuse `aud`: set `aud: none` there.',
    settings: {},
  },
  smarthealthit: {
    vendor: 'SMART Health IT launcher',
    note: 'Lenient; never the only server to test against.',
    settings: {},
  },
  'smarthealthit-dstu2': {
    vendor: 'SMART Health IT DSTU2 sandbox',
    note: 'Announces no issuer: add the `iss` of its id_tokens under `issuers`, or ignore them.',
    settings: { idToken: 'ignore', quirks: { scopeVersion: 'v1' } },
  },
  azure: {
    hosts: ['azurehealthcareapis.com'],
    vendor: 'Azure Health Data Services',
    note: "Add the tenant's issuer under `issuers` where it differs from the announced one.",
    settings: {
      origins: ['https://login.microsoftonline.com'],
      quirks: { issuerTrailingSlash: 'ignore' },
    },
  },
  medplum: {
    hosts: ['medplum.com'],
    vendor: 'Medplum',
    note: 'Rotates refresh tokens.',
    settings: {},
  },
  aidbox: {
    hosts: ['aidbox.app', 'aidbox.io'],
    alg: 'RS384',
    vendor: 'Aidbox',
    note: 'private_key_jwt: RS384 only.',
    settings: {},
  },
  google: {
    hosts: ['healthcare.googleapis.com'],
    vendor: 'Google Cloud Healthcare API',
    note: "Standalone launch with a patient only; the authorization server is one's own.",
    settings: { quirks: { scopeVersion: 'v1' } },
  },
  aws: {
    hosts: ['healthlake.amazonaws.com'],
    vendor: 'AWS HealthLake',
    note: "The authorization server is one's own: add its origin under `origins`.",
    settings: { quirks: { scopeVersion: 'v1' } },
  },
  medent: {
    hosts: ['medentfhir.com', 'medent.com'],
    vendor: 'MEDENT',
    note: 'Tells who logged in, and names no patient besides.',
    settings: { idToken: 'require', quirks: { patientFromFhirUser: true } },
  },
} as const satisfies Record<string, Preset>

export type PresetName = keyof typeof presets

export const presetNames = Object.keys(presets) as [PresetName, ...PresetName[]]

/** True for the name of a preset. */
export function isPresetName(name: unknown): name is PresetName {
  return typeof name === 'string' && Object.hasOwn(presets, name)
}

/** The preset of the vendor whose host a FHIR base lies on; undefined for everybody else's. */
export function findPreset(iss: string): PresetName | undefined {
  const host = `.${new URL(iss).hostname}`
  return presetNames.find(name => {
    const { hosts = [] }: Preset = presets[name]
    return hosts.some(end => host.endsWith(`.${end}`))
  })
}

/** One preset, for the documentation. */
export function describePreset(name: PresetName): Preset {
  return presets[name]
}

/**
 * A registration as written, with a preset's settings beneath it: what is written wins, quirks one by
 * one, and the origins and issuers of both are kept.
 */
export function applyPreset(
  name: PresetName,
  written: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const { settings }: Preset = presets[name]
  const merged: Record<string, unknown> = { ...settings, ...written }
  for (const list of ['origins', 'issuers'] as const) {
    const preset = settings[list]
    const own = written[list]
    if (preset && Array.isArray(own)) merged[list] = [...new Set([...own, ...preset])]
  }
  const { quirks } = written
  if (settings.quirks && isRecord(quirks)) merged.quirks = { ...settings.quirks, ...quirks }
  return merged
}
