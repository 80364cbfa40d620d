// The judge of token answers: strict, with each leniency a named quirk of the registration. What it
// lets through is safe in a header and bounded; what it refuses is `bad_token_response`. An error is
// read whatever the status (Q14). Pure: no I/O, no clock (RFC 6749 5; AL-46 to AL-48; attacks T).

import { BrokerError, type FaultCode } from '../../errors.ts'
import { splitScope } from '../scope/scope.ts'
import type { Quirks } from '../types.ts'
import type { ServerAnswer } from './token-request.ts'

const DEFAULT_LIFETIME_SECONDS = 300
/** No session lives longer. */
const MAX_LIFETIME_SECONDS = 7 * 24 * 3600
const MAX_TOKEN_LENGTH = 16 * 1024
const MAX_SCOPE_LENGTH = 16 * 1024

/** A token answer that holds; members beyond the tokens are still to be judged. */
export interface TokenResponse {
  accessToken: string
  lifetimeMs: number
  refreshToken?: string
  idToken?: string
  /** As granted; absent means as requested (RFC 6749 5.1). */
  scope?: string
  members: ReadonlyMap<string, unknown>
}

/** The `error` of an answer, for comparing only; undefined when it is none. */
export function readTokenError({ document, status }: ServerAnswer): string | undefined {
  const error = document.kind === 'object' ? document.object.error : undefined
  if (typeof error === 'string' && error !== '') return error
  return status === 401 ? 'invalid_client' : undefined
}

/** The token answer as a typed value, or `bad_token_response`; never a word of the answer itself. */
export function parseTokenResponse(answer: ServerAnswer, quirks: Quirks): TokenResponse {
  const members = readMembers(answer, quirks)
  if (!isBearer(members.get('token_type'), quirks)) throw refuse('token_type is not Bearer')
  return {
    accessToken: parseToken(members, 'access_token', /^[\x21-\x7e]+$/) ?? refuseMissing(),
    refreshToken: parseToken(members, 'refresh_token', /^[\x20-\x7e]+$/),
    idToken: parseToken(members, 'id_token', /^[\x21-\x7e]+$/),
    lifetimeMs: parseLifetime(members.get('expires_in')) * 1000,
    scope: parseScopeMember(members.get('scope'), quirks),
    members,
  }
}

function readMembers({ status, document }: ServerAnswer, quirks: Quirks): Map<string, unknown> {
  const created = status === 201 && quirks.createdStatus === 'accept'
  if (status !== 200 && !created) throw refuse(`status ${status}`)
  if (document.kind !== 'object') throw refuse('not a JSON object')
  const members = Object.entries(document.object)
  if (quirks.nullMembers === 'drop') return new Map(members.filter(([, value]) => value !== null))
  return new Map(members)
}

function isBearer(tokenType: unknown, quirks: Quirks): boolean {
  if (tokenType === undefined) return quirks.tokenTypeOptional
  return typeof tokenType === 'string' && tokenType.toLowerCase() === 'bearer'
}

function parseToken(
  members: ReadonlyMap<string, unknown>,
  name: string,
  allowed: RegExp,
): string | undefined {
  const token = members.get(name)
  if (token === undefined) return undefined
  if (typeof token !== 'string' || token.length > MAX_TOKEN_LENGTH || !allowed.test(token)) {
    throw refuse(`${name} is not a token`)
  }
  return token
}

function refuseMissing(): never {
  throw refuse('access_token is missing')
}

// Digits in a text count as the number they spell; what is unknown or not positive is a short life,
// never none: that would mean a refresh for each request (Q6, T6).
function parseLifetime(value: unknown): number {
  const seconds = typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value
  if (typeof seconds !== 'number' || !(seconds >= 1)) return DEFAULT_LIFETIME_SECONDS
  return Math.min(Math.floor(seconds), MAX_LIFETIME_SECONDS)
}

function parseScopeMember(value: unknown, quirks: Quirks): string | undefined {
  if (value === undefined) return undefined
  const joined =
    quirks.scopeArray === 'join' && Array.isArray(value) && value.every(isText)
      ? value.join(' ')
      : value
  if (!isText(joined) || joined.length > MAX_SCOPE_LENGTH || !/^[\t\n\r\x20-\x7e]*$/.test(joined)) {
    throw refuse('scope is not a text')
  }
  return splitScope(joined).join(' ')
}

function isText(value: unknown): value is string {
  return typeof value === 'string'
}

function refuse(detail: string): BrokerError {
  return new BrokerError('bad_token_response', { detail })
}

const CLIENT_ERRORS = ['invalid_client', 'unauthorized_client']
const PASSING_ERRORS = ['temporarily_unavailable', 'slow_down', 'server_error']
const KNOWN_ERRORS = [
  ...CLIENT_ERRORS,
  ...PASSING_ERRORS,
  ...['invalid_grant', 'invalid_request', 'invalid_scope', 'invalid_target'],
  'unsupported_grant_type',
]

/**
 * The refusal that a failed token request becomes, or undefined where the answer may hold:
 * `client_auth_failed` when the EHR does not accept our credentials, `passing` for what may be over
 * soon, else `lasting`. Only known error words reach the log.
 */
export function findTokenFault(
  answer: ServerAnswer,
  { passing, lasting }: { passing: FaultCode; lasting: FaultCode },
): BrokerError | undefined {
  const { status, retryAfterSeconds } = answer
  const error = readTokenError(answer)
  const busy = status === 429 || (error === undefined && status >= 500)
  if (error === undefined && !busy) return undefined
  const known = error !== undefined && KNOWN_ERRORS.includes(error)
  const detail = known ? `the EHR says ${error}` : `status ${status} of the token endpoint`
  if (busy || PASSING_ERRORS.includes(error ?? '')) {
    return new BrokerError(passing, { detail, retryAfterSeconds })
  }
  const code = CLIENT_ERRORS.includes(error ?? '') ? 'client_auth_failed' : lasting
  return new BrokerError(code, { detail })
}
