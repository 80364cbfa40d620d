// Who is told what happens: metrics and log of the product, or those of a host; nobody where there is
// neither. Words and numbers that may be logged, never input.

import type { GaugeName, Shown } from './measures.ts'

/** One finished or aborted request. */
export interface RequestRecord {
  method: string
  /** Route pattern, never the path. */
  route: string
  status: number
  milliseconds: number
  /** Registration id. */
  ehr?: string
  /** First 12 characters of the record id: a hash, not the session id. */
  session?: string
  /** Code of our refusal. */
  code?: string
  /** Of our refusal, in fixed words and cleaned addresses. */
  detail?: string
  /** As the caller is told it. */
  requestId?: string
  /** The caller's own ids, where they are plain. */
  traceparent?: string
  callerId?: string
  aborted?: boolean
}

export type SessionEvent =
  | 'started'
  | 'renewed'
  | 'failed'
  | 'shared'
  | 'ended'
  | 'logged_out'
  | 'unreadable'

/** What somebody did, or an EHR, and not merely asked for. */
export interface Act {
  act: 'login' | 'login_failed' | 'denial' | 'logout' | 'ending' | 'renewal' | 'administration'
  /** Registration id. */
  ehr?: string
  /** Pseudonyms. */
  session?: string
  user?: string
  /** A fixed word: a code of ours, of OAuth, or why a session ended. */
  reason?: string
  /** How many sessions, where it is about several. */
  sessions?: number
  /** Network address; of IPv6 the first 64 bits. */
  caller?: string
  requestId?: string
  /** Whom it is about by name: for the audit alone, the log gets nothing of it. A token set will do. */
  whose?: Whose
}

/** Who uses an access token, as the EHR has told it. */
export interface Whose {
  identity?: { iss: string; sub: string; fhirUser?: string }
  context?: { patient?: string }
}

/** What a call to an EHR is for. */
export type CallKind =
  | 'fhir'
  | 'discovery'
  | 'keys'
  | 'code'
  | 'renewal'
  | 'revocation'
  | 'pushed_request'

/** A call to an EHR. */
export interface Call {
  ehr: string
  kind: CallKind
  method: string
}

/** How a call ended: a status of the EHR, or a word of ours. */
export interface CallEnd {
  status?: number
  error?: string
}

export interface Observer {
  observe(record: RequestRecord): void
  /**
   * Writes an act down. Where nothing may be acknowledged that is not recorded, what it gives rejects with
   * `audit_unavailable`, and whoever acknowledges the act waits for it; nobody else has to.
   */
  tell(act: Act): Promise<void> | undefined
  count(event: SessionEvent, ehr: string): void
  /** An EHR refused an authorization, by the code of its error or `other`. */
  countDenial(ehr: string, error: string): void
  /** A call to an EHR begins; to be told how it ended. */
  beginCall(call: Call): (end: CallEnd) => void
  /** An operation of the vault is over. */
  noteVault(operation: string, seconds: number, hasFailed: boolean): void
  /** Gives a number that is looked up whenever somebody asks. */
  show(gauge: GaugeName, read: () => Shown | Promise<Shown>): void
  /** A fault outside of any request that was caught where it happened. */
  noteFault(error: unknown): void
  /** An audit event is recorded, or lost. */
  countAudit(outcome: 'recorded' | 'lost'): void
}

const ended = () => undefined

const nobody: Observer = {
  observe: () => undefined,
  tell: () => undefined,
  count: () => undefined,
  countDenial: () => undefined,
  beginCall: () => ended,
  noteVault: () => undefined,
  show: () => undefined,
  noteFault: () => undefined,
  countAudit: () => undefined,
}

/** The observer of an app where there is one (`smartMetrics`), else one that keeps nothing. */
export function observerOf(app: { smartMetrics?: Observer }): Observer {
  return app.smartMetrics ?? nobody
}
