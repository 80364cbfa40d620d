// A registration for tests, as the configuration would make it; each test overrides what it is about.

import { resolveQuirks } from '../../src/smart/quirks.ts'
import type { Registration } from '../../src/smart/types.ts'

/** Strict defaults for `https://ehr.test/fhir/r4`, or for another `iss`. */
export function buildRegistration(overrides: Partial<Registration> = {}): Registration {
  const iss = overrides.iss ?? 'https://ehr.test/fhir/r4'
  return {
    id: 'general',
    name: 'General Hospital',
    iss,
    clientId: 'fhirstorm',
    clientAuth: { method: 'client_secret_basic', secret: 'hunter2' },
    scope: 'launch openid fhirUser patient/*.rs',
    origins: [new URL(iss).origin],
    baseAliases: [],
    aud: 'iss',
    idToken: 'verify',
    requirePatient: false,
    issuers: [],
    redirectUri: 'https://app.test/redirect',
    embedded: false,
    rewrite: true,
    upstreamCompression: 'identity',
    extras: [],
    network: { reach: 'public' },
    quirks: resolveQuirks(undefined),
    ...overrides,
  }
}
