// What one caller, one session, one EHR and all of them together may take: every limit of the product
// in one place, set for two cores and 1 GB of memory. Times in milliseconds, sizes in bytes.

/** Who may hold a connection to us, and for how long without a whole request. */
export interface ConnectionLimits {
  /** Open connections in all; beyond them idle ones are closed and new ones dropped. */
  all: number
  /** Open connections of one address that is no trusted proxy; an IPv6 /64 is one address. */
  perAddress: number
  /** From the first byte of a request, or of a connection, to the end of its headers. */
  headersMs: number
  /** For a TLS handshake. */
  handshakeMs: number
  /** From the headers of a request to its last byte; bodies on FHIR routes have limits of their own. */
  requestMs: number
}

export const defaultConnectionLimits: ConnectionLimits = {
  all: 4_096,
  perAddress: 1_024,
  headersMs: 10_000,
  handshakeMs: 10_000,
  requestMs: 10_000,
}
