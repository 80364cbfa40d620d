// Every refusal fhirstorm can utter: its code, its HTTP status and its fixed text. Nothing of the
// input, of an EHR's answer or of a library's message is ever part of an answer; what operators need
// beyond the code stands in `detail`, which is logged and never sent.

const faults = {
  // 400: malformed or forged input
  bad_request: [400, 'The request is malformed.'],
  /** With the status that a hook of the host has chosen. */
  host_refused: [400, 'The server refused this request.'],
  unknown_issuer: [400, 'This EHR is not registered with this application.'],
  unknown_ehr: [400, 'No EHR is registered under this id.'],
  ambiguous_issuer: [
    400,
    'Several registrations share this EHR: use the launch URL that names one.',
  ],
  launch_invalid: [400, 'The launch request is malformed.'],
  state_missing: [400, 'The answer of the EHR does not belong to a login that is in progress.'],
  state_invalid: [400, 'The answer of the EHR does not belong to a login that is in progress.'],
  state_expired: [400, 'This login took too long. Please start again.'],
  state_used: [400, 'This login has already been completed. Please start again.'],
  cookie_missing: [400, 'This browser did not start this login, or it blocks cookies.'],
  too_many_launches: [
    400,
    'Too many logins were begun at once in this browser, and this one had to make room. Please start again.',
  ],
  answer_unbound: [
    400,
    'Whoever sent you here says that access was not given. Nothing has been changed; please start again.',
  ],
  callback_invalid: [400, 'The answer of the EHR is malformed.'],
  issuer_mismatch: [400, 'The answer came from another authorization server than the one asked.'],
  facade_client_invalid: [
    400,
    'The application asks for access in a way that it is not registered with.',
  ],
  prefetch_refused: [400, 'This page cannot be fetched ahead of time.'],
  path_invalid: [400, 'The path is not a FHIR path below this session.'],
  query_invalid: [400, 'The query is malformed.'],
  format_refused: [400, 'Only FHIR JSON and XML can be asked for.'],
  header_invalid: [400, 'A request header is malformed.'],
  body_invalid: [400, 'The request body is malformed.'],
  logout_token_invalid: [400, 'The logout token is not valid.'],
  // 401
  session_invalid: [401, 'There is no live session here.'],
  session_expired: [401, 'The session at the EHR has ended. Please log in again.'],
  upstream_unauthorized: [401, 'The EHR no longer accepts this session.'],
  // 403
  cross_site: [403, 'Requests from other sites are refused.'],
  navigation_refused: [403, 'Data is not served as a page: fetch it from the application.'],
  csrf_header_missing: [403, 'This request needs the header X-CSRF: 1 or this site as its Origin.'],
  interaction_refused: [403, 'This application may not do that here.'],
  // 404, 405, 408, 409, 413, 414, 415, 417, 421, 422, 426, 429, 431
  not_found: [404, 'There is nothing here.'],
  method_not_allowed: [405, 'This method is not allowed here.'],
  request_timeout: [408, 'The request was not sent in time.'],
  session_ambiguous: [409, 'Name the session: use the FHIR base URL of one of your sessions.'],
  body_too_large: [413, 'The request body is too large.'],
  uri_too_long: [414, 'The request target is too long.'],
  media_type_refused: [415, 'This media type is not accepted.'],
  expectation_failed: [417, 'What the request expects cannot be met.'],
  unknown_host: [421, 'This host is not served here.'],
  foreign_reference: [422, 'The request refers to another session or to another server.'],
  upgrade_refused: [426, 'Protocol upgrades are not supported.'],
  too_many_requests: [429, 'Too many requests. Please try again later.'],
  headers_too_large: [431, 'The request headers are too large.'],
  // 500
  internal: [500, 'Something went wrong here.'],
  // 502: the EHR broke the protocol
  issuer_unreachable: [502, 'The EHR cannot be reached from here.'],
  bad_metadata: [502, 'The EHR describes its authorization server in a way that cannot be used.'],
  no_oauth_metadata: [502, 'The EHR does not say how it authorizes.'],
  endpoint_not_pinned: [
    502,
    'The EHR names an endpoint outside the origins it is registered with.',
  ],
  issuer_unnamed: [
    502,
    'The EHR does not say that it names itself in its answers, as this application requires.',
  ],
  pkce_unsupported: [502, 'The EHR does not support PKCE with S256.'],
  bad_token_response: [502, 'The EHR answered the token request in a way that cannot be used.'],
  authorization_refused: [502, 'The EHR refused to begin the authorization.'],
  token_refused: [502, 'The EHR refused the authorization code.'],
  signer_unavailable: [503, 'The key of this application cannot be used now. Please try again.'],
  client_auth_failed: [503, 'The EHR does not accept the credentials of this application.'],
  bad_id_token: [502, 'The EHR sent an identity that cannot be verified.'],
  bad_jwks: [502, 'The EHR publishes its keys in a way that cannot be used.'],
  missing_patient: [502, 'The EHR did not say which patient this session is about.'],
  upstream_broken: [502, 'The EHR broke off or broke the protocol.'],
  upstream_unreachable: [502, 'The EHR cannot be reached.'],
  upstream_elsewhere: [
    502,
    'The EHR keeps this on another server, which this session may not reach.',
  ],
  upstream_encoding: [502, 'The EHR answered in a content coding that cannot be undone.'],
  upstream_charset: [502, 'The EHR answered in a charset that cannot be read.'],
  // 503, 504: a dependency is down or slow
  vault_unavailable: [503, 'The session store cannot be reached. Please try again.'],
  logout_incomplete: [
    503,
    'You are logged out in this browser. The session itself ends as soon as its store can be reached.',
  ],
  audit_unavailable: [
    503,
    'This could not be recorded in the audit, so its outcome is not told. It may have been done.',
  ],
  overloaded: [503, 'Too much is under way here. Please try again.'],
  draining: [503, 'No new login begins here for now. Please try again later.'],
  issuer_busy: [503, 'The EHR cannot take this request now. Please try again.'],
  too_many_logins: [503, 'Too many logins begin at this moment. Please try again.'],
  too_many_in_flight: [503, 'Too many requests to this EHR are in flight. Please try again.'],
  refresh_failed: [503, 'The session cannot be renewed at the EHR now. Please try again.'],
  issuer_timeout: [504, 'The EHR took too long to answer.'],
  upstream_timeout: [504, 'The EHR took too long to answer.'],
} as const satisfies Record<string, readonly [status: number, message: string]>

export type FaultCode = keyof typeof faults

export interface FaultLink {
  url: string
  rel: 'alternate' | 'help'
}

export interface FaultDetail {
  /** For the log alone: fixed words and configuration values, never input or secrets. */
  detail?: string
  /** Registration id of the EHR that is at fault. */
  ehr?: string
  /** How the login began that failed, where that is known: the page leads to the same kind. */
  begun?: 'ehr' | 'standalone'
  /** Where that login was to land, checked: the next one lands there too. */
  returnTo?: string
  /** Address of ours or of the app that begins such a login, where it is not the usual one. */
  startAgain?: string
  /** Seconds after which trying again makes sense; sent as Retry-After. */
  retryAfterSeconds?: number
  /** Addresses told to the caller: ours that would work instead, or the EHR's page that helps. */
  links?: readonly FaultLink[]
  /** Further members of a problem document: what the caller gets although the request failed. */
  members?: Readonly<Record<string, unknown>>
  /** A host's own choice, for `host_refused` alone. */
  status?: number
  cause?: unknown
}

/** A refusal with a stable code, from which its public message follows, and its status but for a host's. */
export class BrokerError extends Error {
  readonly code: FaultCode
  readonly status: number
  readonly detail: string | undefined
  readonly ehr: string | undefined
  readonly begun: 'ehr' | 'standalone' | undefined
  readonly returnTo: string | undefined
  readonly startAgain: string | undefined
  /** The status, under the name by which Fastify's own handlers look for it. */
  readonly statusCode: number
  readonly retryAfterSeconds: number | undefined
  /** The wait that was asked for or worked out; undefined where only the default is told. */
  readonly askedSeconds: number | undefined
  readonly links: readonly FaultLink[] | undefined
  readonly members: Readonly<Record<string, unknown>> | undefined

  constructor(code: FaultCode, about: FaultDetail = {}) {
    const { detail, ehr, begun, retryAfterSeconds, links, members, cause } = about
    super(faults[code][1], { cause })
    this.name = 'BrokerError'
    this.code = code
    this.status = about.status ?? faults[code][0]
    this.statusCode = this.status
    this.detail = detail
    this.ehr = ehr
    this.begun = begun
    this.returnTo = about.returnTo
    this.startAgain = about.startAgain
    this.links = links
    this.members = members
    this.askedSeconds = retryAfterSeconds
    const isOurs = code !== 'host_refused'
    this.retryAfterSeconds = retryAfterSeconds ?? (isOurs && this.status === 503 ? 5 : undefined)
  }
}

/**
 * Runs one step with an EHR, and names that EHR in a refusal that does not name one yet; and how the login
 * began and where it was to land, where that is told.
 */
export async function namingEhr<T>(
  ehr: string | undefined,
  step: () => Promise<T>,
  login?: Pick<FaultDetail, 'begun' | 'returnTo'>,
): Promise<T> {
  try {
    return await step()
  } catch (error) {
    if (!(error instanceof BrokerError)) throw error
    if (error.ehr !== undefined && login === undefined) throw error
    const { askedSeconds: retryAfterSeconds, cause } = error
    throw new BrokerError(error.code, {
      ...{ ...error, ...login, ehr: error.ehr ?? ehr },
      ...{ retryAfterSeconds, cause, status: undefined },
    })
  }
}

/** The code of a refusal, and of any other error `internal`. */
export function codeOf(error: unknown): FaultCode {
  return error instanceof BrokerError ? error.code : 'internal'
}

/** The HTTP status and public text of a code, for places that answer without throwing. */
export function describeFault(code: FaultCode): { status: number; message: string } {
  return { status: faults[code][0], message: faults[code][1] }
}

/** All codes, for the contract tests. */
export const faultCodes = Object.keys(faults) as FaultCode[]
