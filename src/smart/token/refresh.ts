// Renewing a token set with its refresh token, once. An answer that contradicts the session ends it;
// a failure that may pass leaves it as it is. Context and identity never change: they belong to the
// launch. Time, randomness, keys and the network are passed in (AL-55 to AL-62; attacks F, I14).

import { BrokerError, namingEhr } from '../../errors.ts'
import { parseResourceId, parseWebUrl } from '../context/member.ts'
import { judgeRefreshedIdToken } from '../identity/refreshed-id-token.ts'
import type { Registration, TokenSet } from '../types.ts'
import type { ServerAnswer } from './server-call.ts'
import type { TokenCall } from './token.ts'
import { findTokenFault, judgeRenewalRefusal } from './token-fault.ts'
import { sendTokenRequest } from './token-request.ts'
import { chooseLifetimeMs, parseTokenResponse, type TokenResponse } from './token-response.ts'

export type RefreshOutcome =
  | { outcome: 'renewed'; tokens: TokenSet }
  /** `tokens` came with the contradiction and are to be given back; `errorUri` is the EHR's advice. */
  | { outcome: 'ended'; reason: RenewalEnd; tokens?: TokenSet; errorUri?: string; detail?: string }
  /** Refused without a word of OAuth: a second refusal is the end. */
  | { outcome: 'refused'; detail: string }

export type RenewalEnd = 'invalid_grant' | 'refused' | 'other patient' | 'other user'

/**
 * Sends the refresh token, without a scope: what was granted stays granted. Throws what may pass as
 * `refresh_failed`, `client_auth_failed` or the egress' codes.
 */
export async function refreshTokens(tokens: TokenSet, call: TokenCall): Promise<RefreshOutcome> {
  return await namingEhr(call.registration.id, () => refresh(tokens, call))
}

async function refresh(tokens: TokenSet, call: TokenCall): Promise<RefreshOutcome> {
  if (tokens.refreshToken === undefined) throw new TypeError('there is no refresh token')
  const sentAt = call.sharedNow()
  const answer = await sendTokenRequest(call, 'refresh_token', {
    refresh_token: tokens.refreshToken,
  })
  const refusal = judgeRenewalRefusal(answer)
  if (refusal) {
    const { isPlain, detail } = refusal
    if (!isPlain) return { outcome: 'refused', detail }
    const errorUri = readErrorUri(answer, call.registration)
    const reason = detail === 'invalid_grant' ? detail : 'refused'
    return { outcome: 'ended', reason, errorUri, detail }
  }
  const codes = { passing: 'refresh_failed', lasting: 'refresh_failed' } as const
  const fault = findTokenFault(answer, codes, call.registration)
  if (fault) throw fault
  return await takeRenewed(tokens, { response: parseRefreshed(answer, call), sentAt }, call)
}

async function takeRenewed(
  tokens: TokenSet,
  { response, sentAt }: { response: TokenResponse; sentAt: number },
  call: TokenCall,
): Promise<RefreshOutcome> {
  const lifetimeMs = response.lifetimeMs ?? chooseLifetimeMs({ isRenewable: true })
  const judgement = await judgeRefreshedIdToken(response.idToken, tokens, call)
  const renewed: TokenSet = {
    ...tokens,
    accessToken: response.accessToken,
    accessTokenExpiresAt: sentAt + lifetimeMs,
    accessTokenLifetimeMs: lifetimeMs,
    refreshToken: response.refreshToken ?? tokens.refreshToken,
    idToken: judgement.idToken ?? tokens.idToken,
    grantedScope: response.scope ?? tokens.grantedScope,
    warnings: [...new Set([...tokens.warnings, ...response.warnings, ...judgement.warnings])],
  }
  if (judgement.contradicts) return { outcome: 'ended', reason: 'other user', tokens: renewed }
  if (namesOtherPatient(response, tokens, call.registration)) {
    return { outcome: 'ended', reason: 'other patient', tokens: renewed }
  }
  return { outcome: 'renewed', tokens: renewed }
}

function parseRefreshed(answer: ServerAnswer, { registration }: TokenCall): TokenResponse {
  try {
    return parseTokenResponse(answer, registration.quirks, { optional: 'drop' })
  } catch (error) {
    if (!(error instanceof BrokerError)) throw error
    throw new BrokerError('refresh_failed', { detail: error.detail })
  }
}

// Junk in place of the patient is no proof that it is still the same one (AL-62, F9).
function namesOtherPatient(
  { members }: TokenResponse,
  { context }: TokenSet,
  { iss, baseAliases }: Registration,
): boolean {
  const named = members.get('patient')
  if (named === undefined || context.patient === undefined) return false
  return parseResourceId(named, 'Patient', [iss, ...baseAliases]) !== context.patient
}

// Shown to a user whose access was suspended, so it must be a page of that EHR (Q16).
function readErrorUri({ document }: ServerAnswer, { origins }: Registration): string | undefined {
  const uri = document.kind === 'object' ? parseWebUrl(document.object.error_uri) : undefined
  return uri !== undefined && origins.includes(new URL(uri).origin) ? uri : undefined
}
