// The exchange: an authorization code becomes a token set, once. Every refusal is coded; a code is
// never sent twice. Time, randomness, keys and the network are passed in (AL-37 to AL-48; attacks T).

import type { JWTVerifyGetKey } from 'jose'
import { BrokerError, namingEhr } from '../../errors.ts'
import { parseLaunchContext } from '../context/context.ts'
import { patientOf } from '../identity/fhir-user.ts'
import { verifyIdToken } from '../identity/id-token.ts'
import { asksForIdToken, buildScope } from '../scope/scope-request.ts'
import type { Identity, LaunchContext, PendingLaunch, TokenSet } from '../types.ts'
import type { ServerCall } from './server-call.ts'
import { findTokenFault } from './token-fault.ts'
import { sendTokenRequest } from './token-request.ts'
import { chooseLifetimeMs, parseTokenResponse, type TokenResponse } from './token-response.ts'

/** What a call to the token endpoint needs. */
export interface TokenCall extends ServerCall {
  /** The EHR's keys, where it publishes any. */
  keys: JWTVerifyGetKey | undefined
  /** The time of day that all instances share: tokens are said to end by it, whoever reads that. */
  sharedNow: () => number
}

/**
 * Exchanges the code of a verified callback. Refuses with `token_refused`, `client_auth_failed`,
 * `issuer_busy`, `bad_token_response`, `bad_id_token`, `missing_patient`, or as the egress does.
 */
export async function exchangeCode(
  grant: { code: string; pending: PendingLaunch },
  call: TokenCall,
): Promise<TokenSet> {
  return await namingEhr(call.registration.id, () => exchange(grant, call))
}

async function exchange(
  { code, pending }: { code: string; pending: PendingLaunch },
  call: TokenCall,
): Promise<TokenSet> {
  const sentAt = call.sharedNow()
  const answer = await sendTokenRequest(call, 'authorization_code', {
    code,
    redirect_uri: pending.redirectUri,
    code_verifier: pending.codeVerifier,
  })
  const codes = { passing: 'issuer_busy', lasting: 'token_refused' } as const
  const fault = findTokenFault(answer, codes, call.registration)
  if (fault) throw fault
  const response = parseTokenResponse(answer, call.registration.quirks)
  return await buildTokenSet(response, { pending, sentAt }, call)
}

async function buildTokenSet(
  response: TokenResponse,
  { pending, sentAt }: { pending: PendingLaunch; sentAt: number },
  call: TokenCall,
): Promise<TokenSet> {
  const { registration } = call
  const { identity, idToken, warnings } = await identify(response, pending, call)
  const parsed = parseLaunchContext(response.members, registration)
  const requestedScope = buildScope(registration, pending.kind)
  const grantedScope = response.scope ?? requestedScope
  const context = completeContext(parsed.context, identity, call)
  if (context.patient === undefined && registration.requirePatient) {
    const detail = parsed.warnings.find(warning => warning.startsWith('patient '))
    throw new BrokerError('missing_patient', { detail: detail ?? 'the answer names none' })
  }
  const isRenewable = response.refreshToken !== undefined
  const lifetimeMs = response.lifetimeMs ?? chooseLifetimeMs({ isRenewable })
  const lacksPatient = context.patient === undefined && /(?:^| )patient\//.test(grantedScope)
  return {
    tokenType: 'Bearer',
    accessToken: response.accessToken,
    accessTokenExpiresAt: sentAt + lifetimeMs,
    accessTokenLifetimeMs: lifetimeMs,
    refreshToken: response.refreshToken,
    idToken,
    identity,
    requestedScope,
    grantedScope,
    context,
    warnings: [...warnings, ...parsed.warnings, ...(lacksPatient ? ['patient missing'] : [])],
  }
}

interface Identified {
  identity?: Identity
  idToken?: string
  warnings: string[]
}

// An id_token that was not asked for has no nonce of ours to hold it to: it counts for nothing.
async function identify(
  { idToken, accessToken }: TokenResponse,
  { nonce }: PendingLaunch,
  call: TokenCall,
): Promise<Identified> {
  const { registration } = call
  if (registration.idToken === 'ignore') return { warnings: [] }
  if (idToken === undefined || nonce === undefined) {
    if (registration.idToken === 'require') {
      throw new BrokerError('bad_id_token', { detail: 'missing' })
    }
    return { warnings: asksForIdToken(registration) ? ['id_token missing'] : [] }
  }
  const identity = await verifyIdToken(idToken, { nonce, accessToken }, call)
  return { identity, idToken, warnings: [] }
}

function completeContext(
  context: LaunchContext,
  identity: Identity | undefined,
  { registration }: TokenCall,
): LaunchContext {
  if (context.patient !== undefined || !registration.quirks.patientFromFhirUser) return context
  return { ...context, patient: patientOf(identity?.fhirUser, registration.iss) }
}
