// What went wrong, and who says so: fhirstorm tells its own refusals by Proxy-Status (RFC 9209) with a
// code; every other answer is the EHR's.

/**
 * What a fault means to a frontend. There are three kinds of 401 by fhirstorm: `no-session` (sign in),
 * `session-ended` (the EHR ended it: sign in again), `token-refused` (the session lives; the EHR does
 * not take this request's token now). `ehr-down`: the EHR does not answer. `refused`: another refusal of
 * fhirstorm. `ehr`: the EHR's own answer, a 401 of its own included. `network`: none in time, or none that can be read.
 */
export type FaultKind =
  | 'no-session'
  | 'session-ended'
  | 'token-refused'
  | 'ehr-down'
  | 'refused'
  | 'ehr'
  | 'network'

export interface FaultDetails {
  kind: FaultKind
  /** HTTP status; 0 is no answer at all. */
  status?: number
  code?: string
  retryAfterSeconds?: number
  endSessionUrls?: readonly string[]
  cause?: unknown
}

/** Refusals of a logout by which this browser is out all the same. */
const OUT = ['logout_incomplete', 'audit_unavailable']

export class Fault extends Error {
  readonly kind: FaultKind
  readonly status: number
  /** fhirstorm's code, or what the EHR's OperationOutcome says. */
  readonly code: string | undefined
  readonly retryAfterSeconds: number | undefined
  /** Where the EHRs' own logins can be ended, of a logout whose rest is still to come. */
  readonly endSessionUrls: readonly string[]

  constructor(message: string, details: FaultDetails) {
    super(message, { cause: details.cause })
    this.name = 'Fault'
    this.kind = details.kind
    this.status = details.status ?? 0
    this.code = details.code
    this.retryAfterSeconds = details.retryAfterSeconds
    this.endSessionUrls = details.endSessionUrls ?? []
  }

  /** True when there is no session any more, so that nothing of its record may stay in sight. */
  get endsSession(): boolean {
    return endsSession(this.kind)
  }
}

/** Whether a fault of this kind means that the session is over. */
export function endsSession(kind: FaultKind): boolean {
  return kind === 'no-session' || kind === 'session-ended'
}

/**
 * The code of a refusal of fhirstorm, from the headers alone; undefined when the EHR answered. Other
 * proxies may stand in the same header, before and after.
 */
export function readRefusalCode(headers: Headers): string | undefined {
  const members = (headers.get('proxy-status') ?? '').split(',')
  const ours = members.find(member => /^\s*fhirstorm\s*;/.test(member))
  return ours === undefined ? undefined : (/;\s*details="([^"]*)"/.exec(ours)?.[1] ?? 'unknown')
}

const kinds: Readonly<Record<string, FaultKind>> = {
  session_invalid: 'no-session',
  session_expired: 'session-ended',
  upstream_unauthorized: 'token-refused',
  upstream_broken: 'ehr-down',
  upstream_unreachable: 'ehr-down',
  upstream_timeout: 'ehr-down',
  issuer_unreachable: 'ehr-down',
  issuer_timeout: 'ehr-down',
  refresh_failed: 'ehr-down',
}

/** What an answer means, from its headers alone; its status is not asked. */
export function readKind(headers: Headers): FaultKind {
  const code = readRefusalCode(headers)
  return code === undefined ? 'ehr' : (kinds[code] ?? 'refused')
}

/** Whether a logout was refused by which this browser is out all the same. */
export function isOut(error: unknown): boolean {
  return error instanceof Fault && OUT.includes(error.code ?? '')
}

/** Addresses that a page may lead to. */
export function keepWebAddresses(urls: readonly unknown[]): string[] {
  return urls.filter(url => typeof url === 'string' && /^https?:\/\//.test(url)) as string[]
}

interface FaultBody {
  title?: string
  code?: string
  endSessionUrl?: unknown
  endSessionUrls?: unknown
  issue?: {
    code?: string
    diagnostics?: string
    details?: { text?: string; coding?: { code?: string }[] }
  }[]
}

/** The fault that an answer tells of; reads the body. */
export async function readFault(response: Response): Promise<Fault> {
  const { status, headers } = response
  const body = (await response.json().catch(() => undefined)) as FaultBody | undefined
  const issue = body?.issue?.[0]
  const message = body?.title ?? issue?.details?.text ?? issue?.diagnostics
  return new Fault(message ?? `The answer was ${status} without further words.`, {
    kind: readKind(headers),
    status,
    code:
      readRefusalCode(headers) ?? body?.code ?? issue?.details?.coding?.[0]?.code ?? issue?.code,
    retryAfterSeconds: readSeconds(headers.get('retry-after')),
    endSessionUrls: keepWebAddresses([body?.endSessionUrl, body?.endSessionUrls].flat()),
  })
}

// The other form of Retry-After, a date, is one that fhirstorm does not send.
function readSeconds(value: string | null): number | undefined {
  return value !== null && /^\d{1,6}$/.test(value) ? Number(value) : undefined
}
