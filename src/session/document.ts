// What the frontend may know of a session: its context, its scopes, its limits. Never a token. Pure:
// no I/O; the time is given, and the missing scopes are worked out by the caller.

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
  /** Who is logged in, as a FHIR address: ours where addresses are rewritten. */
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
  /** Since when the EHR gives access, and until when without a renewal. */
  access: { obtainedAt: string; expiresAt: string }
  createdAt: string
  /** When the session ends unless it is used, and when it ends in any case. */
  idleExpiresAt: string
  expiresAt: string
  /** Whole seconds until then, for pages whose clock is wrong. */
  idleExpiresIn: number
  expiresIn: number
}

export interface DocumentOptions {
  /** Public URL without a trailing slash. */
  publicUrl: string
  now: () => number
  missingScopes: (requested: string, granted: string) => string[]
  /** FHIR bases that become ours, by registration id; of an EHR that is not named none does. */
  rewrittenBases?: ReadonlyMap<string, readonly string[]>
}

/** The typed document of one open session, as GET /sessions/ID answers it. */
export function buildSessionDocument(open: OpenSession, options: DocumentOptions): SessionDocument {
  const { session } = open
  const { context, identity, requestedScope, grantedScope, warnings } = session.tokens
  const { accessTokenExpiresAt, accessTokenLifetimeMs } = session.tokens
  const fhirBaseUrl = buildSessionBaseUrl(options.publicUrl, session.id)
  const now = options.now()
  const secondsTo = (time: number) => Math.max(0, Math.floor((time - now) / 1_000))
  return {
    id: session.id,
    ehr: session.ehr,
    issuer: session.iss,
    fhirBaseUrl,
    patient: context.patient,
    encounter: context.encounter,
    fhirContext: context.fhirContext,
    fhirUser: buildFhirUser(open, options),
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
    access: {
      obtainedAt: print(accessTokenExpiresAt - accessTokenLifetimeMs),
      expiresAt: print(accessTokenExpiresAt),
    },
    createdAt: print(session.createdAt),
    idleExpiresAt: print(open.expiresAt),
    expiresAt: print(session.endsAt),
    idleExpiresIn: secondsTo(open.expiresAt),
    expiresIn: secondsTo(session.endsAt),
  }
}

/** Who is logged in, as a FHIR address: ours where addresses are rewritten. */
export function buildFhirUser(
  { session }: OpenSession,
  { publicUrl, rewrittenBases }: Pick<DocumentOptions, 'publicUrl' | 'rewrittenBases'>,
): string | undefined {
  const fhirUser = session.tokens.identity?.fhirUser
  const bases = rewrittenBases?.get(session.ehr) ?? []
  return fhirUser && moveBelow(buildSessionBaseUrl(publicUrl, session.id), fhirUser, bases)
}

/** An address below one of the EHR's bases becomes the same one below ours. */
function moveBelow(ours: string, address: string, bases: readonly string[]): string {
  const base = bases.find(one => address.startsWith(`${one}/`))
  return base === undefined ? address : ours + address.slice(base.length)
}

function print(time: number): string {
  return new Date(time).toISOString()
}

/** The FHIR base URL of one session at our address. */
export function buildSessionBaseUrl(publicUrl: string, sessionId: string): string {
  return `${publicUrl}/sessions/${sessionId}/fhir`
}
