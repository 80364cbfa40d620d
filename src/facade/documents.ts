// What the SMART server that an existing app is shown says of itself: smart-configuration, and for old apps
// the EHR's own CapabilityStatement with our endpoints in it. Pure: no I/O, no clock.

import { isRecord } from '../smart/json.ts'
import type { AuthorizationServer } from '../smart/types.ts'

/** Of the EHR's own capabilities those that its sessions have at ours too. */
const KEPT = /^(?:permission-(?:patient|user|v1|v2)|context-|fhir-|cds-)/
const OWN = ['launch-ehr', 'launch-standalone', 'client-public', 'sso-openid-connect']
const OAUTH_URIS = 'http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris'

/**
 * `.well-known/smart-configuration` (SMART App Launch 2.2, section 2.1); of an EHR that is away without what it
 * says of itself, as apps that do not find this go on without PKCE.
 */
export function buildSmartConfiguration(facadeUrl: string, server?: AuthorizationServer): object {
  return {
    issuer: facadeUrl,
    jwks_uri: `${facadeUrl}/.well-known/jwks.json`,
    authorization_endpoint: `${facadeUrl}/authorize`,
    token_endpoint: `${facadeUrl}/token`,
    grant_types_supported: ['authorization_code'],
    response_types_supported: ['code'],
    scopes_supported: server?.scopesSupported,
    code_challenge_methods_supported: ['S256'],
    id_token_signing_alg_values_supported: ['ES256'],
    capabilities: [...OWN, ...(server?.capabilities ?? []).filter(name => KEPT.test(name))],
  }
}

/**
 * The EHR's own statement with our endpoints in place of its; without one the least that an app needs to
 * find them.
 */
export function buildCapabilityStatement(facadeUrl: string, own: unknown, now: string): object {
  const statement = isRecord(own) ? own : {}
  const { resourceType } = statement
  const isOld = resourceType === 'Conformance'
  const listed: unknown[] = Array.isArray(statement.rest) ? statement.rest : []
  const rest = listed.filter(isRecord).filter(({ mode }) => mode === 'server')
  return {
    ...{ status: 'active', date: now, kind: 'instance', fhirVersion: '4.0.1', format: ['json'] },
    ...statement,
    resourceType: isOld ? resourceType : 'CapabilityStatement',
    implementation: { description: 'by fhirstorm', url: facadeUrl },
    rest: (rest.length > 0 ? rest : [{ mode: 'server' }]).map(one => ({
      ...one,
      security: buildSecurity(facadeUrl, isOld),
    })),
  }
}

function buildSecurity(facadeUrl: string, isOld: boolean): object {
  const system = isOld
    ? 'http://hl7.org/fhir/restful-security-service'
    : 'http://terminology.hl7.org/CodeSystem/restful-security-service'
  return {
    service: [{ coding: [{ system, code: 'SMART-on-FHIR' }] }],
    extension: [
      {
        url: OAUTH_URIS,
        extension: [
          { url: 'authorize', valueUri: `${facadeUrl}/authorize` },
          { url: 'token', valueUri: `${facadeUrl}/token` },
        ],
      },
    ],
  }
}
