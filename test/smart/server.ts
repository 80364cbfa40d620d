// An authorization server as discovery would describe it; each test overrides what it is about.

import type { AuthorizationServer } from '../../src/smart/types.ts'

/** Endpoints at `https://ehr.test`, an announced issuer, S256, and nothing else. */
export function buildServer(overrides: Partial<AuthorizationServer> = {}): AuthorizationServer {
  return {
    source: 'smart-configuration',
    issuer: 'https://ehr.test/oauth2',
    issuerAnnounced: true,
    authorizationEndpoint: 'https://ehr.test/oauth2/authorize',
    tokenEndpoint: 'https://ehr.test/oauth2/token',
    jwksUri: 'https://ehr.test/oauth2/jwks',
    capabilities: [],
    codeChallengeMethods: ['S256'],
    issParameterSupported: false,
    pushedAuthorizationRequestsRequired: false,
    associatedEndpoints: [],
    warnings: [],
    ...overrides,
  }
}
