// A token request with the client's proof (RFC 6749 3.2).

import { genericTokenEndpointRequest } from 'oauth4webapi'
import { buildClientAuth } from './client-auth.ts'
import {
  buildRequestOptions,
  readAnswer,
  type ServerAnswer,
  type ServerCall,
} from './server-call.ts'

/** One token request with the client's proof; refuses only as the egress does. */
export async function sendTokenRequest(
  call: ServerCall,
  grantType: 'authorization_code' | 'refresh_token',
  parameters: Record<string, string>,
): Promise<ServerAnswer> {
  const { registration, server } = call
  const response = await genericTokenEndpointRequest(
    { issuer: server.issuer, token_endpoint: server.tokenEndpoint },
    { client_id: registration.clientId },
    buildClientAuth(registration, server, call),
    grantType,
    parameters,
    buildRequestOptions(call, server.tokenEndpoint),
  )
  return await readAnswer(response, call.now)
}
