// A session as the proxy needs it: which EHR, which token, whose share of what there is. Our own sessions
// are such, and so is what a host of the proxy alone makes of its own. Types only.

export interface ProxiedSession {
  /** Names it in the log: no secret, and not its id. */
  recordId: string
  session: {
    /** As it stands in the path. */
    id: string
    /** Registration id. */
    ehr: string
    /** FHIR base URL as registered. */
    iss: string
    tokens: {
      accessToken: string
      identity?: { iss: string; sub: string; fhirUser?: string }
      grantedScope?: string
      context?: { patient?: string }
    }
  }
}
