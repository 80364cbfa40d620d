// The judge of the callback's query. First its form: no parameter twice, a code or an error and not
// both, no tokens. Then, with the launch that its state belongs to, who it comes from (RFC 9207). What
// the EHR writes beside a known error code is never kept. Pure: no I/O, no clock (attacks C1-C10).

import { cleanIssuer } from '../../clean-text.ts'
import { BrokerError } from '../../errors.ts'
import { readForm } from '../../form.ts'
import { isFromIssuer } from '../redirect-uri.ts'
import type {
  AuthorizationErrorCode,
  AuthorizationServer,
  PendingLaunch,
  Registration,
  VerifiedCallback,
} from '../types.ts'
import { authorizationErrors } from './denials.ts'

const MAX_QUERY_LENGTH = 16 * 1024
const MAX_CODE_LENGTH = 4096
const ONCE = ['code', 'state', 'iss', 'error', 'error_description', 'error_uri']
const REFUSED = ['access_token', 'id_token', 'token_type', 'response']

const knownErrors: ReadonlySet<string> = new Set(authorizationErrors)

/** A callback whose form holds; nothing is known yet of who sent it. */
export interface CallbackQuery {
  state: string | undefined
  iss: string | undefined
  answer: { code: string } | { error: AuthorizationErrorCode }
}

/**
 * Reads the raw query (without `?`), where a parameter without a value is none (RFC 6749 3.1); refuses a
 * malformed one with `callback_invalid`.
 */
export function parseCallbackQuery(query: string): CallbackQuery {
  if (query.length > MAX_QUERY_LENGTH) throw refuse('too long')
  const found = new Map<string, string>()
  // No space stands in what an EHR sends here: a plus sign that it did not escape is itself, as in base64.
  for (const [name, value] of readForm(query.replaceAll('+', '%2B'))) {
    if (REFUSED.includes(name)) throw refuse('a token in the query')
    if (!ONCE.includes(name)) continue
    if (found.has(name)) throw refuse('sent twice')
    found.set(name, value)
  }
  const given = (name: string) => found.get(name) || undefined
  const code = given('code')
  // Where there is no code, an error without a name is an error still.
  const error = code === undefined ? found.get('error') : given('error')
  return { state: given('state'), iss: given('iss'), answer: parseAnswer(code, error) }
}

function parseAnswer(code: string | undefined, error: string | undefined): CallbackQuery['answer'] {
  if ((code === undefined) === (error === undefined)) {
    throw refuse('neither or both of code and error')
  }
  if (error !== undefined) return { error: mapError(error) }
  if (code === undefined || code.length > MAX_CODE_LENGTH || !/^[\x20-\x7e]+$/.test(code)) {
    throw refuse('code is not a code')
  }
  return { code }
}

function mapError(error: string): AuthorizationErrorCode {
  return knownErrors.has(error) ? (error as AuthorizationErrorCode) : 'other'
}

/**
 * Binds a callback to its launch: the issuer it names must be the one that was asked, and must be
 * named where the EHR says it does so, for errors too. Refuses with `issuer_mismatch` (RFC 9207).
 */
export function verifyCallback(
  { iss, answer }: CallbackQuery,
  pending: PendingLaunch,
  { registration, server }: { registration: Registration; server: AuthorizationServer },
): VerifiedCallback {
  if (!isFromIssuer(iss, registration, server)) {
    const detail =
      iss === undefined
        ? 'the answer names no issuer, though the EHR announces that it does'
        : `the answer names ${cleanIssuer(iss)}: where that is the EHR, add it to the registration's issuers`
    throw new BrokerError('issuer_mismatch', { ehr: registration.id, detail })
  }
  return 'code' in answer
    ? { outcome: 'code', pending, code: answer.code }
    : { outcome: 'refused', pending, error: answer.error }
}

function refuse(detail: string): BrokerError {
  return new BrokerError('callback_invalid', { detail })
}
