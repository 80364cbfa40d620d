// The issuer's `.well-known/openid-configuration`, read only where id_tokens are to be verified and
// the SMART documents do not say by which keys (SC-39, CF-07). Pure: no I/O, no clock.

import { BrokerError } from '../../errors.ts'
import { asksForIdToken } from '../scope/scope-request.ts'
import type { AuthorizationServer } from '../types.ts'
import {
  type Pins,
  parseEndpoint,
  parseIssuer,
  parseOptionalEndpoint,
  parseOptionalList,
} from './announced.ts'

const SUFFIX = '/.well-known/openid-configuration'

/** Whether id_tokens will be verified and something that takes is still unknown. */
export function needsOpenidConfiguration(
  { jwksUri, issuerAnnounced }: AuthorizationServer,
  pins: Pins,
): boolean {
  if (!asksForIdToken(pins)) return false
  return jwksUri === undefined || (!issuerAnnounced && pins.issuers.length === 0)
}

/** Whether the end of the EHR's own session is still to be looked for. */
export function lacksEndSession(server: AuthorizationServer, pins: Pins): boolean {
  return server.endSessionEndpoint === undefined && asksForIdToken(pins)
}

/**
 * Where the issuer describes itself: the announced issuer, else the first configured one, else the
 * FHIR base. Refuses with `endpoint_not_pinned` where that lies outside the pinned origins.
 */
export function buildOpenidConfigurationUrl(
  { issuer, issuerAnnounced }: AuthorizationServer,
  pins: Pins,
): string {
  const base = issuerAnnounced ? issuer : (pins.issuers[0] ?? issuer)
  // An issuer that is spelled as the address of its own document was met in the field.
  const url = `${withoutSlash(withoutSuffix(base))}${SUFFIX}`
  return parseEndpoint(url, 'the OpenID configuration', pins) ?? url
}

/**
 * The server with what its OpenID configuration adds: keys, algorithms, issuer, end of session.
 * Refuses with `bad_metadata` an issuer other than the announced one and the registration's, and
 * with `endpoint_not_pinned` keys outside the pinned origins.
 */
export function applyOpenidConfiguration(
  server: AuthorizationServer,
  document: Readonly<Record<string, unknown>>,
  pins: Pins,
): AuthorizationServer {
  const warnings = [...server.warnings]
  const issuer = parseIssuer(document.issuer, pins)
  const expected = server.issuerAnnounced ? [server.issuer, ...pins.issuers] : undefined
  if (issuer === undefined || expected?.some(known => sameIssuer(known, issuer)) === false) {
    throw new BrokerError('bad_metadata', {
      ehr: pins.id,
      detail: 'the OpenID configuration has another issuer',
    })
  }
  const { end_session_endpoint: endSession, id_token_signing_alg_values_supported: algs } = document
  return {
    ...server,
    issuer: server.issuerAnnounced ? server.issuer : issuer,
    issuerAnnounced: true,
    jwksUri: server.jwksUri ?? parseEndpoint(document.jwks_uri, 'jwks_uri', pins),
    idTokenSigningAlgs:
      server.idTokenSigningAlgs ??
      parseOptionalList(algs, 'id_token_signing_alg_values_supported', warnings),
    endSessionEndpoint:
      server.endSessionEndpoint ??
      parseOptionalEndpoint(endSession, 'end_session_endpoint', pins, warnings),
    warnings,
  }
}

function sameIssuer(known: string, issuer: string): boolean {
  return withoutSlash(withoutSuffix(known)) === withoutSlash(withoutSuffix(issuer))
}

function withoutSuffix(issuer: string): string {
  return issuer.endsWith(SUFFIX) ? issuer.slice(0, -SUFFIX.length) : issuer
}

function withoutSlash(issuer: string): string {
  return issuer.endsWith('/') ? issuer.slice(0, -1) : issuer
}
