// The document at `.well-known/smart-configuration` (SMART App Launch 2.2, conformance; CF-05 to
// CF-14): judged against the registration's pins, unknown capabilities and members tolerated. Pure.

import { BrokerError } from '../../errors.ts'
import { isRecord } from '../json.ts'
import { asksForIdToken } from '../scope/scope-request.ts'
import type { AssociatedEndpoint, AuthorizationServer } from '../types.ts'
import {
  type Pins,
  parseEndpoint,
  parseIssuer,
  parseList,
  parseOptionalEndpoint,
  parseOptionalList,
} from './announced.ts'

/**
 * The authorization server that a smart-configuration describes. Refuses with `bad_metadata` (no
 * authorization or token endpoint, an issuer that is not this EHR's), `endpoint_not_pinned`, and
 * `pkce_unsupported` (a list of challenge methods without S256).
 */
export function parseSmartConfiguration(
  document: Readonly<Record<string, unknown>>,
  pins: Pins,
): AuthorizationServer {
  const warnings: string[] = []
  const endpoint = (name: string) => parseOptionalEndpoint(document[name], name, pins, warnings)
  const list = (name: string) => parseList(document[name], name, warnings)
  const optionalList = (name: string) => parseOptionalList(document[name], name, warnings)
  const issuer = parseIssuer(document.issuer, pins)
  const codeChallengeMethods = parseChallengeMethods(list('code_challenge_methods_supported'), pins)
  const capabilities = list('capabilities')
  if (capabilities === undefined) warnings.push('capabilities is missing')
  if (codeChallengeMethods === undefined) {
    warnings.push('code_challenge_methods_supported is missing; S256 is sent all the same')
  }
  return {
    source: 'smart-configuration',
    issuer: issuer ?? pins.iss,
    issuerAnnounced: issuer !== undefined,
    authorizationEndpoint: parseRequired(document, 'authorization_endpoint', pins),
    tokenEndpoint: parseRequired(document, 'token_endpoint', pins),
    revocationEndpoint: endpoint('revocation_endpoint'),
    endSessionEndpoint: endpoint('end_session_endpoint'),
    pushedAuthorizationRequestEndpoint: endpoint('pushed_authorization_request_endpoint'),
    jwksUri: asksForIdToken(pins)
      ? parseEndpoint(document.jwks_uri, 'jwks_uri', pins)
      : endpoint('jwks_uri'),
    capabilities: capabilities ?? [],
    codeChallengeMethods,
    tokenEndpointAuthMethods: optionalList('token_endpoint_auth_methods_supported'),
    tokenEndpointAuthSigningAlgs: optionalList('token_endpoint_auth_signing_alg_values_supported'),
    idTokenSigningAlgs: optionalList('id_token_signing_alg_values_supported'),
    scopesSupported: optionalList('scopes_supported'),
    issParameterSupported: document.authorization_response_iss_parameter_supported === true,
    pushedAuthorizationRequestsRequired: document.require_pushed_authorization_requests === true,
    associatedEndpoints: parseAssociated(document, warnings),
    warnings,
  }
}

function parseRequired(
  document: Readonly<Record<string, unknown>>,
  name: string,
  pins: Pins,
): string {
  const endpoint = parseEndpoint(document[name], name, pins)
  if (endpoint !== undefined) return endpoint
  throw new BrokerError('bad_metadata', { ehr: pins.id, detail: `${name} is missing` })
}

function parseChallengeMethods(
  methods: readonly string[] | undefined,
  pins: Pins,
): readonly string[] | undefined {
  if (methods !== undefined && !methods.includes('S256')) {
    throw new BrokerError('pkce_unsupported', { ehr: pins.id })
  }
  return methods
}

/** Exposed to the app as they are and never connected to, so that no pin applies (CF-12, CF-13). */
function parseAssociated(
  { associated_endpoints: listed, smart_app_state_endpoint: deprecated }: Record<string, unknown>,
  warnings: string[],
): readonly AssociatedEndpoint[] {
  if (!Array.isArray(listed)) {
    return typeof deprecated === 'string'
      ? [{ url: deprecated, capabilities: ['smart-app-state'] }]
      : []
  }
  return listed.slice(0, 20).flatMap(item => {
    if (!isRecord(item) || typeof item.url !== 'string') return []
    const { url, capabilities } = item
    return [{ url, capabilities: parseList(capabilities, 'capabilities', warnings) ?? [] }]
  })
}
