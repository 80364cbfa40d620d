// The registration that fits what a survey found, as the YAML to paste. The EHR's addresses in it have
// been judged, or stand in JSON's quotes. Pure: no I/O, no clock.

import { ownRedirectPath } from '../redirect-uri.ts'
import type { AuthorizationServer } from '../types.ts'
import type { Survey } from './survey.ts'

/** How the client would prove itself: by a key pair where the EHR lists that, else by its secret. */
export function chooseClientAuth({
  tokenEndpointAuthMethods: methods,
  tokenEndpointAuthSigningAlgs: algs,
}: AuthorizationServer): { method: string; alg?: string; reason: string } {
  if (methods?.includes('private_key_jwt')) {
    const alg = ['ES384', 'RS384'].find(alg => algs?.includes(alg))
    return { method: 'private_key_jwt', alg, reason: 'listed, and no secret is shared' }
  }
  if (methods?.includes('client_secret_post') && !methods.includes('client_secret_basic')) {
    return { method: 'client_secret_post', reason: 'the only method listed that takes a secret' }
  }
  const reason = methods?.includes('client_secret_basic') ? 'listed' : 'the default: none is listed'
  return { method: 'client_secret_basic', reason }
}

/** The entry for `ehrs` in fhirstorm.yaml, line by line; the client id and the files are the reader's. */
export function buildRegistrationBlock(
  { iss, origins }: Survey,
  server: AuthorizationServer,
): string[] {
  const { method, alg } = chooseClientAuth(server)
  const id = suggestEhrId(iss)
  const proof =
    method === 'private_key_jwt' ? (alg ? `, alg: ${alg}` : '') : `, secretFile: /run/secrets/${id}`
  const foreignIssuer = listForeignOrigins({ iss, origins }, server).length > origins.length
  return [
    `- id: ${id}`,
    `  name: ${id}`,
    `  iss: ${iss}`,
    '  clientId: AS-REGISTERED-AT-THE-EHR',
    `  clientAuth: { method: ${method}${proof} }`,
    `  scope: ${suggestScope(server)}`,
    ...(origins.length > 0 ? [`  origins: ${JSON.stringify(origins)}`] : []),
    ...(foreignIssuer ? [`  issuers: ${JSON.stringify([server.issuer])}`] : []),
    ...(server.jwksUri ? [] : ['  idToken: ignore']),
    ...(speaksV1Only(server) ? ['  quirks: { scopeVersion: v1 }'] : []),
    `  redirectPath: ${ownRedirectPath(id)}`,
  ].map(line => `  ${line}`)
}

/** Origins to be trusted besides the FHIR base's own: the endpoints', and last the issuer's. */
export function listForeignOrigins(
  { iss, origins }: Pick<Survey, 'iss' | 'origins'>,
  { issuer, issuerAnnounced }: AuthorizationServer,
): readonly string[] {
  if (!issuerAnnounced) return origins
  const { origin } = new URL(issuer)
  return [new URL(iss).origin, ...origins].includes(origin) ? origins : [...origins, origin]
}

function suggestScope(server: AuthorizationServer): string {
  const scopes = ['launch', 'launch/patient', 'patient/*.rs']
  if (server.jwksUri) scopes.splice(2, 0, 'openid', 'fhirUser')
  if (server.capabilities.includes('permission-offline')) scopes.push('offline_access')
  return scopes.join(' ')
}

function speaksV1Only({ source, capabilities }: AuthorizationServer): boolean {
  if (capabilities.includes('permission-v2')) return false
  return source === 'metadata' || capabilities.includes('permission-v1')
}

/** An id for a registration at this FHIR base. */
export function suggestEhrId(iss: string): string {
  const [label = ''] = new URL(iss).hostname.split('.')
  return /^[a-z][a-z0-9-]{0,31}$/.test(label) ? label : 'ehr'
}
