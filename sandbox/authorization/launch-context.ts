// The launch context of one authorization, as the token answer tells it (SMART App Launch 2.2,
// scopes-and-launch-context). It hangs on the grant, never on the user's session: two launches of one
// user for two patients stay two.

export interface LaunchContext {
  patient?: string
  encounter?: string
  needPatientBanner?: boolean
  intent?: string
  tenant?: string
  smartStyleUrl?: string
  fhirContext?: readonly { reference: string; role?: string }[]
}

/** The members of a token answer that say what the access is about. */
export function buildContextMembers(context: LaunchContext): Record<string, unknown> {
  const { needPatientBanner, smartStyleUrl, ...rest } = context
  const members = {
    ...rest,
    need_patient_banner: needPatientBanner,
    smart_style_url: smartStyleUrl,
  }
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined))
}
