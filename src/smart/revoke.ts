// Giving tokens back: the refresh token first, then the access token, each once. The user is out
// whatever comes of it, so nothing here throws. Time, randomness and the network are passed in
// (RFC 7009; attacks O1, O2).

import { revocationRequest } from 'oauth4webapi'
import { buildClientAuth } from './client-auth.ts'
import { buildRequestOptions, type ServerCall } from './token-request.ts'
import type { TokenSet } from './types.ts'

export type Revocation = 'revoked' | 'failed' | 'unsupported'

/** Revokes both tokens where the EHR can; `failed` when it took not all of them. */
export async function revokeTokens(
  tokens: Pick<TokenSet, 'accessToken' | 'refreshToken'>,
  call: ServerCall,
): Promise<Revocation> {
  const { revocationEndpoint } = call.server
  if (revocationEndpoint === undefined) return 'unsupported'
  const taken = [await revoke(tokens.refreshToken, 'refresh_token', revocationEndpoint, call)]
  taken.push(await revoke(tokens.accessToken, 'access_token', revocationEndpoint, call))
  return taken.every(Boolean) ? 'revoked' : 'failed'
}

async function revoke(
  token: string | undefined,
  hint: 'access_token' | 'refresh_token',
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
      {
        ...buildRequestOptions(call, endpoint),
        additionalParameters: { token_type_hint: hint },
      },
    )
    return response.ok
  } catch {
    return false
  }
}
