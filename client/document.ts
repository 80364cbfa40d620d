// What fhirstorm tells a frontend of its sessions and EHRs (openapi.yaml). Never a token. Types alone.

export interface SessionDocument {
  id: string
  /** Id of the registration. */
  ehr: string
  /** FHIR base URL at the EHR. */
  issuer: string
  /** FHIR base URL to use: fhirstorm's, for this session alone. */
  fhirBaseUrl: string
  patient?: string
  encounter?: string
  fhirContext: readonly FhirContextItem[]
  fhirUser?: string
  /** From the verified id_token alone. */
  user?: { iss: string; sub: string; name?: string; preferredUsername?: string; email?: string }
  scope: { granted: readonly string[]; missing: readonly string[] }
  intent?: string
  /** False where the EHR shows the patient's name, birth date and so on around the app. */
  needPatientBanner: boolean
  smartStyleUrl?: string
  tenant?: string
  authorizationDetails?: readonly object[]
  extras: Readonly<Record<string, unknown>>
  warnings: readonly string[]
  /** Since when the EHR gives access, and until when without a renewal. */
  access: { obtainedAt: string; expiresAt: string }
  createdAt: string
  /** When the session ends unless it is used, and when it ends in any case; by the server's clock. */
  idleExpiresAt: string
  expiresAt: string
  /** Whole seconds until then, when the document was made; `countdown` goes on counting. */
  idleExpiresIn: number
  expiresIn: number
}

export interface FhirContextItem {
  reference?: string
  canonical?: string
  identifier?: { system?: string; value?: string }
  type?: string
  role: string
}

export interface Ehr {
  id: string
  name: string
}
