// What the frontend may know of a session: its context, its scopes, its limits. Never a token. Pure:
// no I/O, no clock; the missing scopes are worked out by the caller.

import type { AuthorizationDetail, FhirContextItem } from '../smart/types.ts'
import type { OpenSession } from './session.ts'

export interface SessionDocument {
  id: string
  ehr: string
  /** FHIR base URL at the EHR. */
  issuer: string
  /** FHIR base URL to use: ours, for this session alone. */
  fhirBaseUrl: string
  patient?: string
  encounter?: string
  fhirContext: readonly FhirContextItem[]
  fhirUser?: string
  user?: { iss: string; sub: string; name?: string; preferredUsername?: string; email?: string }
  scope: { granted: string[]; missing: string[] }
  intent?: string
  needPatientBanner: boolean
  smartStyleUrl?: string
  tenant?: string
  authorizationDetails?: readonly AuthorizationDetail[]
  extras: Readonly<Record<string, unknown>>
  warnings: readonly string[]
  createdAt: string
  /** When the session ends unless it is used, and when it ends in any case. */
  idleExpiresAt: string
  expiresAt: string
}

export interface DocumentOptions {
  /** Public URL without a trailing slash. */
  publicUrl: string
  missingScopes: (requested: string, granted: string) => string[]
}

/** The typed document of one open session, as GET /sessions/ID answers it. */
export function buildSessionDocument(open: OpenSession, options: DocumentOptions): SessionDocument {
  const { session } = open
  const { context, identity, requestedScope, grantedScope, warnings } = session.tokens
  return {
    id: session.id,
    ehr: session.ehr,
    issuer: session.iss,
    fhirBaseUrl: buildSessionBaseUrl(options.publicUrl, session.id),
    patient: context.patient,
    encounter: context.encounter,
    fhirContext: context.fhirContext,
    fhirUser: identity?.fhirUser,
    user: identity && {
      iss: identity.iss,
      sub: identity.sub,
      name: identity.name,
      preferredUsername: identity.preferredUsername,
      email: identity.email,
    },
    scope: {
      granted: grantedScope.split(' ').filter(Boolean),
      missing: options.missingScopes(requestedScope, grantedScope),
    },
    intent: context.intent,
    needPatientBanner: context.needPatientBanner,
    smartStyleUrl: context.smartStyleUrl,
    tenant: context.tenant,
    authorizationDetails: context.authorizationDetails,
    extras: context.extras,
    warnings,
    createdAt: new Date(session.createdAt).toISOString(),
    idleExpiresAt: new Date(open.expiresAt).toISOString(),
    expiresAt: new Date(session.endsAt).toISOString(),
  }
}

/** The FHIR base URL of one session at our address. */
export function buildSessionBaseUrl(publicUrl: string, sessionId: string): string {
  return `${publicUrl}/sessions/${sessionId}/fhir`
}
