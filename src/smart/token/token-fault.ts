// What a refused token request means: whether waiting can change it, whether our own credentials are at
// fault, or whether it is over. Only known error words are ever told. Pure: no I/O, no clock (RFC 6749
// 5.2; RFC 9110 15.5, 15.6).

import { BrokerError, type FaultCode } from '../../errors.ts'
import type { Registration } from '../types.ts'
import { hasReservedCharacters } from './client-auth.ts'
import type { ServerAnswer } from './server-call.ts'
import { readTokenError } from './token-response.ts'

const CLIENT_ERRORS = ['invalid_client', 'unauthorized_client']
const PASSING_ERRORS = ['temporarily_unavailable', 'slow_down', 'server_error']
const KNOWN_ERRORS = [
  ...CLIENT_ERRORS,
  ...PASSING_ERRORS,
  ...['invalid_grant', 'invalid_request', 'invalid_scope', 'invalid_target', 'access_denied'],
  ...['unsupported_grant_type', 'login_required', 'interaction_required', 'consent_required'],
]
/** Statuses below 500 that say: later. */
const LATER = [408, 425, 429]

/** Whether an answer says, by its status or its error, that it may be another one soon. */
function isPassing({ status }: ServerAnswer, error: string | undefined): boolean {
  if (LATER.includes(status) || PASSING_ERRORS.includes(error ?? '')) return true
  return error === undefined && status >= 500
}

/**
 * The refusal that a failed token request becomes, or undefined where the answer may hold:
 * `client_auth_failed` when the EHR does not accept our credentials, `passing` for what may be over
 * soon, else `lasting`. Only known error words reach the log.
 */
export function findTokenFault(
  answer: ServerAnswer,
  { passing, lasting }: { passing: FaultCode; lasting: FaultCode },
  registration?: Pick<Registration, 'clientId' | 'clientAuth' | 'quirks'>,
): BrokerError | undefined {
  const error = readTokenError(answer)
  const busy = isPassing(answer, error)
  if (error === undefined && !busy) return undefined
  const detail = describeRefusal(answer)
  if (busy) {
    return new BrokerError(passing, { detail, retryAfterSeconds: answer.retryAfterSeconds })
  }
  if (!CLIENT_ERRORS.includes(error ?? '')) return new BrokerError(lasting, { detail })
  return buildClientFault(detail, registration)
}

/** How a renewal was refused for good; undefined where it was not, or where that may pass. */
export type RenewalRefusal = {
  /** The EHR says so in a word of OAuth; else a second try is worth its while. */
  isPlain: boolean
  /** `invalid_grant`, another known word, or the status. */
  detail: string
}

/**
 * Judges a renewal's refusal by what can change by waiting: an `error` of the EHR, or a status of 4xx
 * without one, is about this session and will not pass. 408, 425, 429 and 5xx may; a client that the
 * EHR does not recognize (`invalid_client`, or a challenge for a password) is for the operator to mend.
 */
export function judgeRenewalRefusal(answer: ServerAnswer): RenewalRefusal | undefined {
  const { status, document, asksForBasic } = answer
  const said = document.kind === 'object' ? document.object.error : undefined
  const error = typeof said === 'string' && said !== '' ? said : undefined
  if (error === 'invalid_grant') return { isPlain: true, detail: error }
  if (isPassing(answer, error) || error === 'invalid_client') return undefined
  if (error !== undefined) {
    // Under 5xx a name that nobody knows may be the failing server's own.
    const isKnown = status < 500 || KNOWN_ERRORS.includes(error)
    return isKnown ? { isPlain: true, detail: describeRefusal(answer) } : undefined
  }
  if (status < 400 || status >= 500 || (status === 401 && asksForBasic)) return undefined
  return { isPlain: false, detail: describeRefusal(answer) }
}

function describeRefusal(answer: ServerAnswer): string {
  const error = readTokenError(answer)
  const isKnown = error !== undefined && KNOWN_ERRORS.includes(error)
  return isKnown ? `the EHR says ${error}` : `status ${answer.status} of the token endpoint`
}

// Encoded or raw: the two ways to write a password, of which each server reads but one.
function buildClientFault(
  detail: string,
  registration: Pick<Registration, 'clientId' | 'clientAuth' | 'quirks'> | undefined,
): BrokerError {
  if (registration === undefined || !hasReservedCharacters(registration)) {
    return new BrokerError('client_auth_failed', { detail })
  }
  const other = registration.quirks.basicEncoding === 'form' ? 'raw' : 'form'
  return new BrokerError('client_auth_failed', {
    detail: `${detail}; client id or secret has reserved characters: try quirks.basicEncoding: ${other}`,
  })
}
