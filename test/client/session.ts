// A session's document for tests.

import type { SessionDocument } from '../../client/document.ts'

/** A live session of an hour, a minute old: the time of a list has no parts of a second. */
export function buildSession(members: Partial<SessionDocument> = {}): SessionDocument {
  const now = Date.now()
  return {
    id: 'AAAAAAAAAAAAAAAAAAAAAA',
    ehr: 'general',
    issuer: 'https://ehr.example/r4',
    fhirBaseUrl: 'https://app.example/sessions/AAAAAAAAAAAAAAAAAAAAAA/fhir',
    patient: 'amy-shaw',
    fhirContext: [],
    scope: { granted: ['openid', 'fhirUser', 'patient/*.rs'], missing: [] },
    needPatientBanner: true,
    extras: {},
    warnings: [],
    access: {
      obtainedAt: new Date(now - 60_000).toISOString(),
      expiresAt: new Date(now + 3_540_000).toISOString(),
    },
    createdAt: new Date(now - 60_000).toISOString(),
    idleExpiresAt: new Date(now + 900_000).toISOString(),
    expiresAt: new Date(now + 3_600_000).toISOString(),
    ...{ idleExpiresIn: 900, expiresIn: 3_600 },
    ...members,
  }
}
