// The words of the flow, one type per step:
// LaunchRequest → PendingLaunch → VerifiedCallback → TokenSet (→ Session → ProxiedRequest).
// Types only: no I/O, no clock. Times are milliseconds since the epoch unless a name says otherwise.

import type { FaultCode } from '../errors.ts'
import type { Registration } from './registration.ts'

export type * from './registration.ts'

/** Cryptographic random bytes, as node:crypto's randomBytes gives them. */
export type RandomBytes = (size: number) => Uint8Array

/** The network as the protocol steps see it: guarded, bounded in time and size, no redirects. */
export type ProtocolFetch = (
  url: string,
  request?: {
    method?: string
    headers?: Record<string, string>
    body?: string
    /** Cap of the answer in bytes. */
    maxBytes?: number
    /** For the whole call: name, connection, TLS, answer. */
    timeoutMs?: number
    /** For public documents: follows up to three redirects within the pinned origins. */
    follows?: boolean
    /** Code of the refusal of an answer that is redirected, encoded, too large or broken off. */
    badAnswer?: FaultCode
    signal?: AbortSignal
  },
) => Promise<Response>

/** What discovery found out about one EHR's authorization server. */
export interface AuthorizationServer {
  source: 'smart-configuration' | 'metadata'
  /** Issuer announced, or the FHIR base where none is. */
  issuer: string
  issuerAnnounced: boolean
  authorizationEndpoint: string
  tokenEndpoint: string
  revocationEndpoint?: string
  endSessionEndpoint?: string
  pushedAuthorizationRequestEndpoint?: string
  jwksUri?: string
  capabilities: readonly string[]
  codeChallengeMethods?: readonly string[]
  tokenEndpointAuthMethods?: readonly string[]
  tokenEndpointAuthSigningAlgs?: readonly string[]
  idTokenSigningAlgs?: readonly string[]
  /** A hint at most: never to be intersected with the scopes asked for (CF-10). */
  scopesSupported?: readonly string[]
  /** RFC 9207: the callback must carry `iss`. */
  issParameterSupported: boolean
  /** RFC 9126: the server takes authorization requests in no other way. */
  pushedAuthorizationRequestsRequired: boolean
  /** Other FHIR bases under the same authorization; exposed, not proxied to (CF-12). */
  associatedEndpoints: readonly AssociatedEndpoint[]
  /** FHIR version of the `metadata` document where that was read, for media types. */
  fhirVersion?: string
  warnings: readonly string[]
}

/** One of SMART's experimental associated endpoints. */
export interface AssociatedEndpoint {
  url: string
  capabilities: readonly string[]
}

/** What /launch or /login was asked, checked against the registrations. */
export interface LaunchRequest {
  kind: 'ehr' | 'standalone'
  registration: Registration
  /** The issuer as received in an EHR launch, as registered otherwise: byte for byte. */
  iss: string
  launch?: string
  /** The same as it stood in the query, for an address that is to say it byte for byte. */
  launchAsSent?: string
  returnTo: string
}

/** An authorization in progress. */
export interface PendingLaunch {
  launchId: string
  ehr: string
  kind: 'ehr' | 'standalone'
  iss: string
  codeVerifier: string
  /** Sent when an id_token is asked for. */
  nonce?: string
  returnTo: string
  redirectUri: string
  expiresAt: number
}

/** What an authorization needs to begin; its state gives it an id and an end. */
export type LaunchMaterial = Omit<PendingLaunch, 'launchId' | 'expiresAt'>

/** A callback that belongs to a launch of this browser: a code to exchange, or the EHR's refusal. */
export type VerifiedCallback =
  | { outcome: 'code'; pending: PendingLaunch; code: string }
  | { outcome: 'refused'; pending: PendingLaunch; error: AuthorizationErrorCode }

export type AuthorizationErrorCode =
  | 'access_denied'
  | 'invalid_request'
  | 'invalid_scope'
  | 'unauthorized_client'
  | 'unsupported_response_type'
  | 'server_error'
  | 'temporarily_unavailable'
  | 'login_required'
  | 'interaction_required'
  | 'consent_required'
  | 'account_selection_required'
  | 'other'

/** Launch context of the token response (SMART scopes-and-launch-context), typed and bounded. */
export interface LaunchContext {
  patient?: string
  encounter?: string
  fhirContext: readonly FhirContextItem[]
  intent?: string
  needPatientBanner: boolean
  smartStyleUrl?: string
  tenant?: string
  authorizationDetails?: readonly AuthorizationDetail[]
  extras: Readonly<Record<string, unknown>>
}

export interface FhirContextItem {
  reference?: string
  canonical?: string
  identifier?: { system?: string; value?: string }
  type?: string
  role: string
}

/** RFC 9396 as SMART 2.2 uses it; parsed and exposed only. */
export interface AuthorizationDetail {
  type: string
  locations: readonly string[]
  fhirVersions: readonly string[]
  scope?: string
  patient?: string
  encounter?: string
}

/** Who logged in, from a verified id_token only. */
export interface Identity {
  iss: string
  sub: string
  sid?: string
  fhirUser?: string
  name?: string
  preferredUsername?: string
  email?: string
}

/** Everything one token answer yields; never leaves the server. */
export interface TokenSet {
  tokenType: 'Bearer'
  accessToken: string
  accessTokenExpiresAt: number
  /** As announced, clamped; sets the margin of renewal. */
  accessTokenLifetimeMs: number
  refreshToken?: string
  /** Kept for id_token_hint alone. */
  idToken?: string
  identity?: Identity
  /** Scopes asked for and granted, separated by spaces. */
  requestedScope: string
  grantedScope: string
  context: LaunchContext
  warnings: readonly string[]
}
