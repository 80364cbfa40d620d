// The registration that fits what a survey found, as the YAML to paste. The EHR's addresses in it have
// been judged, or stand in JSON's quotes. Pure: no I/O, no clock.

import { describePreset, findPreset, type PresetName } from '../presets.ts'
import { ownRedirectPath } from '../redirect-uri.ts'
import type { AuthorizationServer } from '../types.ts'
import type { Survey } from './survey.ts'

/** How the client would prove itself: by a key pair where the EHR lists that, else by its secret. */
export function chooseClientAuth(
  { tokenEndpointAuthMethods: methods, tokenEndpointAuthSigningAlgs: algs }: AuthorizationServer,
  preset?: PresetName,
): { method: string; alg?: string; reason: string } {
  if (methods?.includes('private_key_jwt')) {
    const usual = preset && describePreset(preset).alg
    const alg = ['ES384', 'RS384'].find(alg => algs?.includes(alg)) ?? usual
    return { method: 'private_key_jwt', alg, reason: 'listed, and no secret is shared' }
  }
  if (methods?.includes('client_secret_post') && !methods.includes('client_secret_basic')) {
    return { method: 'client_secret_post', reason: 'the only method listed that takes a secret' }
  }
  const reason = methods?.includes('client_secret_basic') ? 'listed' : 'the default: none is listed'
  return { method: 'client_secret_basic', reason }
}

/** What the reader knows of the client; else it is theirs to fill in. */
export interface KnownClient {
  clientId: string
  clientAuth: ReturnType<typeof chooseClientAuth>
  /** Path of the secret, where the client has one. */
  secretFile: string
}

/** The entry for `ehrs` in fhirstorm.yaml, line by line. */
export function buildRegistrationBlock(
  { iss, origins, network }: Survey,
  server: AuthorizationServer,
  client?: KnownClient,
): string[] {
  const preset = findPreset(iss)
  const id = suggestEhrId(iss)
  const { method, alg } = client?.clientAuth ?? chooseClientAuth(server, preset)
  const { clientId, secretFile = `/run/secrets/${id}` } = client ?? {}
  const proof =
    method === 'private_key_jwt'
      ? alg
        ? `, alg: ${alg}`
        : ''
      : `, secretFile: ${client ? JSON.stringify(secretFile) : secretFile}`
  const foreignIssuer = listForeignOrigins({ iss, origins }, server).length > origins.length
  return [
    `- id: ${id}`,
    `  name: ${id}`,
    `  iss: ${iss}`,
    ...(preset ? [`  preset: ${preset}`] : []),
    `  clientId: ${clientId === undefined ? 'AS-REGISTERED-AT-THE-EHR' : JSON.stringify(clientId)}`,
    `  clientAuth: { method: ${method}${proof} }`,
    `  scope: ${suggestScope(server)}`,
    ...(network?.reach === 'private' ? ['  network: private'] : []),
    ...(network?.caFile ? [`  caFile: ${JSON.stringify(network.caFile)}`] : []),
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

// The least that shows a patient; an app adds what it reads. Without one of the two last ones a session
// ends with its first token.
function suggestScope({ jwksUri, capabilities }: AuthorizationServer): string {
  const scopes = ['launch', 'launch/patient', 'patient/Patient.rs']
  if (jwksUri) scopes.splice(2, 0, 'openid', 'fhirUser')
  if (capabilities.includes('permission-online')) scopes.push('online_access')
  else if (capabilities.includes('permission-offline')) scopes.push('offline_access')
  return scopes.join(' ')
}

function speaksV1Only({ source, capabilities }: AuthorizationServer): boolean {
  if (capabilities.includes('permission-v2')) return false
  return source === 'metadata' || capabilities.includes('permission-v1')
}

/** Parts of addresses that say nothing of whose they are. */
const GENERIC =
  /^(?:(?:fhir|api|apis|ehr|emr|www|open|r|stu|dstu|v|ap\d*|prod|prd|interconnect|hapi|server|services?|oauth2?|smart|base|facade)-?\d*[a-z]?)$/i

/**
 * An id for a registration at this FHIR base: by the host, and by the tenant where the path names one, so
 * that two bases of one vendor have two ids.
 */
export function suggestEhrId(iss: string): string {
  const { hostname, pathname } = new URL(iss)
  const labels = hostname.split('.').slice(0, -1)
  const label = labels.find(one => !GENERIC.test(one)) ?? labels[0] ?? ''
  const tenant = pathname.split('/').findLast(part => part !== '' && !GENERIC.test(part)) ?? ''
  const id = [label, tenant]
    .join('-')
    .toLowerCase()
    .replace(/[^a-z0-9-]+/g, '-')
  const short = id
    .replace(/-+/g, '-')
    .replace(/^[-\d]+/, '')
    .slice(0, 32)
    .replace(/-$/, '')
  return short === '' ? 'ehr' : short
}
