// Giving tokens back: the refresh token first, then the access token, each once. The user is out
// whatever comes of it, so nothing here throws. Time, randomness and the network are passed in
// (RFC 7009; attacks O1, O2).

import { revocationRequest } from 'oauth4webapi'
import type { TokenSet } from '../types.ts'
import { buildClientAuth } from './client-auth.ts'
import { buildRequestOptions, readAnswer, type ServerCall } from './server-call.ts'
import { findTokenFault } from './token-fault.ts'

/** `failed`: worth another try; what an EHR will not revoke by its last word counts as done. */
export type Revocation = 'revoked' | 'failed' | 'unsupported'

/** Revokes both tokens where the EHR can. */
export async function revokeTokens(
  { refreshToken, accessToken }: Pick<TokenSet, 'accessToken' | 'refreshToken'>,
  call: ServerCall,
): Promise<Revocation> {
  const endpoint = call.server.revocationEndpoint
  if (endpoint === undefined) return 'unsupported'
  const first = await revoke(refreshToken, 'refresh_token', endpoint, call)
  const second = await revoke(accessToken, 'access_token', endpoint, call)
  return first && second ? 'revoked' : 'failed'
}

async function revoke(
  token: string | undefined,
  hint: 'refresh_token' | 'access_token',
  endpoint: string,
  call: ServerCall,
): Promise<boolean> {
  if (token === undefined) return true
  const { registration, server } = call
  try {
    const response = await revocationRequest(
      { issuer: server.issuer, revocation_endpoint: endpoint },
      { client_id: registration.clientId },
      buildClientAuth(registration, server, call),
      token,
      { ...buildRequestOptions(call, endpoint), additionalParameters: { token_type_hint: hint } },
    )
    const codes = { passing: 'issuer_busy', lasting: 'token_refused' } as const
    const fault = findTokenFault(await readAnswer(response, call.now), codes)
    return fault === undefined || fault.code === 'token_refused'
  } catch {
    return false
  }
}
