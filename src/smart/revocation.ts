// Giving tokens back: the refresh token first, then the access token. An EHR that will not take one of
// them has said its last word; what may pass is thrown, so that it can be tried again. Time, randomness
// and the network are passed in (RFC 7009; attacks O1, O2).

import { revocationRequest } from 'oauth4webapi'
import { namingEhr } from '../errors.ts'
import { buildClientAuth } from './client-auth.ts'
import { buildRequestOptions, readAnswer, type ServerCall } from './token-request.ts'
import { findTokenFault } from './token-response.ts'
import type { TokenSet } from './types.ts'

type TokenHint = 'refresh_token' | 'access_token'

/**
 * Revokes both tokens where the EHR can. Throws `issuer_busy`, `client_auth_failed` or the egress'
 * codes for what is worth another try.
 */
export async function revokeTokens(
  { refreshToken, accessToken }: Pick<TokenSet, 'accessToken' | 'refreshToken'>,
  call: ServerCall,
): Promise<void> {
  const endpoint = call.server.revocationEndpoint
  if (endpoint === undefined) return
  await namingEhr(call.registration.id, async () => {
    if (refreshToken !== undefined) await revoke(refreshToken, 'refresh_token', endpoint, call)
    await revoke(accessToken, 'access_token', endpoint, call)
  })
}

async function revoke(
  token: string,
  hint: TokenHint,
  endpoint: string,
  call: ServerCall,
): Promise<void> {
  const { registration, server } = call
  const response = await revocationRequest(
    { issuer: server.issuer, revocation_endpoint: endpoint },
    { client_id: registration.clientId },
    buildClientAuth(registration, server, call),
    token,
    { ...buildRequestOptions(call, endpoint), additionalParameters: { token_type_hint: hint } },
  )
  const codes = { passing: 'issuer_busy', lasting: 'token_refused' } as const
  const fault = findTokenFault(await readAnswer(response), codes)
  if (fault && fault.code !== 'token_refused') throw fault
}
