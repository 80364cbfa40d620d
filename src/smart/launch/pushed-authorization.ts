// Pushed authorization requests: the parameters go to the EHR with the client's proof, and the browser
// carries only their name. Time, randomness and the network are passed in (RFC 9126).

import { pushedAuthorizationRequest } from 'oauth4webapi'
import { BrokerError, namingEhr } from '../../errors.ts'
import { buildClientAuth } from '../token/client-auth.ts'
import { buildRequestOptions, readAnswer, type ServerCall } from '../token/server-call.ts'
import { findTokenFault } from '../token/token-fault.ts'
import type { AuthorizationParameters } from './authorize.ts'

/** There is nobody at the endpoint who could have judged the request. */
const NOBODY = [404, 405, 501]
const REQUEST_URI = /^[\x21-\x7e]{1,1024}$/

/**
 * Pushes the parameters where the EHR offers it, and answers what the browser is to carry instead.
 * Refuses with `authorization_refused`, `client_auth_failed`, `issuer_busy`, or as the egress does.
 */
export async function pushAuthorizationRequest(
  parameters: AuthorizationParameters,
  call: ServerCall,
): Promise<AuthorizationParameters> {
  const endpoint = call.server.pushedAuthorizationRequestEndpoint
  if (endpoint === undefined) return parameters
  return await namingEhr(call.registration.id, () => push(parameters, endpoint, call))
}

async function push(
  parameters: AuthorizationParameters,
  endpoint: string,
  call: ServerCall,
): Promise<AuthorizationParameters> {
  const { registration, server } = call
  const response = await pushedAuthorizationRequest(
    { issuer: server.issuer, pushed_authorization_request_endpoint: endpoint },
    { client_id: registration.clientId },
    buildClientAuth(registration, server, call),
    parameters.map(([name, value]) => [name, value]),
    buildRequestOptions(call, endpoint),
  )
  const answer = await readAnswer(response, call.now)
  // Announced by the server, and not let through by the gateway before it: the browser can carry all itself.
  const isMissing = NOBODY.includes(answer.status) && answer.document.kind !== 'object'
  if (isMissing && !server.pushedAuthorizationRequestsRequired) return parameters
  const codes = { passing: 'issuer_busy', lasting: 'authorization_refused' } as const
  const fault = findTokenFault(answer, codes, call.registration)
  if (fault) throw fault
  const { document, status } = answer
  const requestUri = document.kind === 'object' ? document.object.request_uri : undefined
  const made = status === 201 || status === 200
  if (!made || typeof requestUri !== 'string' || !REQUEST_URI.test(requestUri)) {
    throw new BrokerError('authorization_refused', { detail: 'no request_uri' })
  }
  return [
    ['client_id', registration.clientId],
    ['request_uri', requestUri],
  ]
}
