// Where audit events go. Whoever makes an event knows no more of a sink than this.

/** Takes events; what it acknowledges it keeps. */
export interface AuditSink {
  /**
   * Takes one event, the JSON of a FHIR R4 AuditEvent on one line. Resolves once it is recorded as the
   * sink promises, and rejects where it may not be.
   */
  record(event: string): Promise<void>
  /** Waits for what was taken, and closes. */
  close(): Promise<void>
}
