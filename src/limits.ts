// What one caller, one user, one EHR and all of them together may take: every limit of the product
// in one place, set for two cores and 1 GB of memory. Times in milliseconds, sizes in bytes.

import type { GuessLimits } from './guesses.ts'
import type { PaceLimits } from './pace.ts'

const KIB = 1024
const MIB = 1024 * KIB

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

/** Times in milliseconds. */
export interface ForwardLimits {
  /** Wait for an answer to begin. */
  headMs: number
  /** Silence within an answer. */
  idleMs: number
  /** Wait for a client that does not read. */
  stallMs: number
  /** Life of one exchange. */
  totalMs: number
}

export interface BodyLimits {
  /** Largest body that streams. */
  maxBodyBytes: number
  /** Largest body that is read whole. */
  documentBytes: number
  /** Largest search form. */
  formBytes: number
  /** Largest body that is kept for a second try. */
  replayBytes: number
  /** Longest pause within a body, in milliseconds. */
  bodyIdleMs: number
  /** Slowest pace of a body, after the first pause. */
  bodyBytesPerSecond: number
  /** Longest wait for the whole of a body that is held, in milliseconds. */
  heldBodyMs: number
}

/** Largest amounts of one user, of one EHR and of all together. */
export interface ShareLimits {
  /** Of one session where the EHR does not say who the user is. */
  user: number
  ehr: number
  all: number
}

/** For reading what we stream besides FHIR. */
export interface AnswerLimits {
  /** Longest pause in which the client takes nothing. */
  stallMs: number
  totalMs: number
}

export const defaultAnswerLimits: AnswerLimits = { stallMs: 30_000, totalMs: 600_000 }

/** Streams of what happens to sessions. */
export interface EventLimits {
  /** At one time for one session: its tabs, where each listens by itself. */
  perSession: number
  all: number
}

export const defaultEventLimits: EventLimits = { perSession: 32, all: 3_072 }

/** FHIR requests that begin within a second; no limit unless told. */
export interface RateLimits {
  /** Of one user at one EHR. */
  user?: number
  ehr?: number
}

/** When an EHR that gives no answer is asked no more, and for how long. */
export interface BreakerLimits {
  /** In a row, without an answer between. */
  failures: number
  pauseMs: number
}

export const defaultBreakerLimits: BreakerLimits = { failures: 20, pauseMs: 5_000 }

/** Memory of the process beyond which it takes nothing new. */
export interface PressureLimits {
  residentBytes: number
  /** Of the limit that V8 has. */
  heapPercent: number
}

export const defaultPressureLimits: PressureLimits = {
  residentBytes: Number.POSITIVE_INFINITY,
  heapPercent: 92,
}

/** What FHIR traffic may take. */
export interface ProxyLimits extends ForwardLimits, BodyLimits {
  /** Requests under way to EHRs, but for event streams. */
  inFlight: ShareLimits
  perSecond: RateLimits
  breaker: BreakerLimits
  /** Event streams, which last for hours and cost little. */
  events: ShareLimits
  /** Memory of request bodies and small answers that are held at one time. */
  heldBytes: ShareLimits
  /** Documents up to this size are rewritten at once, and sent with their length. */
  collectBytes: number
}

export const defaultProxyLimits: ProxyLimits = {
  inFlight: { user: 200, ehr: 512, all: 1_024 },
  perSecond: {},
  breaker: defaultBreakerLimits,
  events: { user: 16, ehr: 512, all: 1_024 },
  heldBytes: { user: 32 * MIB, ehr: 64 * MIB, all: 128 * MIB },
  headMs: 60_000,
  idleMs: 30_000,
  stallMs: 30_000,
  totalMs: 3_600_000,
  collectBytes: 256 * KIB,
  maxBodyBytes: 1024 * MIB,
  documentBytes: 16 * MIB,
  formBytes: MIB,
  replayBytes: 256 * KIB,
  bodyIdleMs: 15_000,
  bodyBytesPerSecond: KIB,
  heldBodyMs: 120_000,
}

/** Memory for what is kept to be quick, and may be forgotten. */
export interface MemoryLimits {
  /** Sessions that were opened in this process. */
  openedBytes: number
  /** Tickets that were unsealed. */
  ticketBytes: number
}

export const defaultMemoryLimits: MemoryLimits = {
  openedBytes: 96 * MIB,
  ticketBytes: 16 * MIB,
}

/** Requests of one address (which may be a whole hospital's) to each route of the login. */
export const defaultLoginRate = { max: 600, timeWindow: 60_000 }

/** Launches one browser may have in progress; the oldest make room (attacks L22). */
export const MAX_LAUNCHES = 5

/** Logins that begin. In ten minutes, for which one may last, fifty thousand take some 100 MB. */
export const defaultLaunchPace: PaceLimits = {
  ...{ caller: 1_000, ehr: 2_000, all: 5_000 },
  windowMs: 60_000,
}

/** Wrong admin tokens of one address. */
export const defaultGuessLimits: GuessLimits = { max: 10, windowMs: 60_000 }
