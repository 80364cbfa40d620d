// A session in the shape that fhirclient (`FHIR.client`) takes, so that `client.patient.read()`,
// `client.user.read()` and `client.encounter.read()` work as they do after its own login.

import type { SessionDocument } from './document.ts'

export interface FhirClientState {
  serverUrl: string
  scope: string
  tokenResponse: {
    patient?: string
    encounter?: string
    intent?: string
    tenant?: string
    need_patient_banner: boolean
    smart_style_url?: string
    fhirContext: readonly object[]
    scope: string
    id_token?: string
  }
}

/**
 * The options for `FHIR.client`. There is no access token among them: the cookie goes along by itself;
 * from another origin each request needs `credentials: 'include'`. The id_token is none that anybody
 * signed or would take: fhirclient reads from it who the user is.
 */
export function toFhirClient(session: SessionDocument): FhirClientState {
  const scope = session.scope.granted.join(' ')
  const fhirUser = readRelative(session)
  return {
    serverUrl: session.fhirBaseUrl,
    scope,
    tokenResponse: {
      patient: session.patient,
      encounter: session.encounter,
      intent: session.intent,
      tenant: session.tenant,
      need_patient_banner: session.needPatientBanner,
      smart_style_url: session.smartStyleUrl,
      fhirContext: session.fhirContext,
      scope,
      ...(fhirUser !== undefined && { id_token: describeUser({ ...session.user, fhirUser }) }),
    },
  }
}

/** The user's resource below the session's base, whichever base it was written with. */
function readRelative({ fhirUser, fhirBaseUrl, issuer }: SessionDocument): string | undefined {
  for (const base of [fhirBaseUrl, issuer.replace(/\/$/, '')]) {
    if (fhirUser?.startsWith(`${base}/`)) return fhirUser.slice(base.length + 1)
  }
  return fhirUser
}

function describeUser(claims: object): string {
  return `${encode({ alg: 'none' })}.${encode(claims)}.`
}

function encode(value: object): string {
  const bytes = new TextEncoder().encode(JSON.stringify(value))
  const text = btoa(String.fromCharCode(...bytes))
  return text.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
}
