// The words of the flow, one type per step:
// LaunchRequest → PendingLaunch → VerifiedCallback → TokenSet (→ Session → ForwardedRequest).
// Types only: no I/O, no clock. Times are milliseconds since the epoch unless a name says otherwise.

import type { CryptoKey, JWK } from 'jose'
import type { FaultCode } from '../errors.ts'

/** How the confidential client proves itself at the token endpoint (SMART App Launch 2.2). */
export type ClientAuthentication =
  | { method: 'client_secret_basic' | 'client_secret_post'; secret: string }
  | { method: 'private_key_jwt'; keys: readonly ClientKey[]; alg?: 'RS384' | 'ES384' }

/** A private signing key of ours; `kid` names it in the published key set. */
export interface ClientKey {
  kid: string
  alg: ClientKeyAlg
  privateKey: CryptoKey
  /** What the key set publishes of it. */
  publicJwk: PublicJwk
}

/** RS256 serves EHRs older than SMART App Launch 2, which asks for one of the other two. */
export type ClientKeyAlg = 'RS384' | 'ES384' | 'RS256'

/** A public key as our key set shows it; never a private member. */
export interface PublicJwk extends Pick<JWK, 'n' | 'e' | 'crv' | 'x' | 'y'> {
  kty: 'RSA' | 'EC'
  kid: string
  alg: ClientKeyAlg
  use: 'sig'
  key_ops: ['verify']
}

/** Named leniencies, each for a known vendor, each off by default: quirks.ts has the table. */
export interface Quirks {
  basicEncoding: 'form' | 'raw'
  includeClientIdInBody: boolean
  /** `aud` of the client assertion; the token URL where it is not given. */
  assertionAudience?: string
  /** `jku` header of the client assertion; none where it is not given. */
  assertionJku?: string
  scopeVersion: 'asWritten' | 'v1'
  tokenTypeOptional: boolean
  nullMembers: 'refuse' | 'drop'
  scopeArray: 'refuse' | 'join'
  createdStatus: 'refuse' | 'accept'
  issuerTrailingSlash: 'exact' | 'ignore'
  patientFromFhirUser: boolean
}

/** Cryptographic random bytes, as node:crypto's randomBytes gives them. */
export type RandomBytes = (size: number) => Uint8Array

/** Our entry for one EHR. */
export interface Registration {
  id: string
  name: string
  /** FHIR base URL exactly as registered. */
  iss: string
  clientId: string
  clientAuth: ClientAuthentication
  /** Scopes asked for, separated by spaces; launch scopes are adapted to the kind of launch. */
  scope: string
  /** Origins on which this EHR's endpoints may lie, the FHIR base's own included. */
  origins: readonly string[]
  /** Other spellings of the FHIR base that this EHR writes into its resources. */
  baseAliases: readonly string[]
  /** What `aud` says in the authorization request. */
  aud: 'iss' | 'none' | (string & {})
  idToken: 'verify' | 'require' | 'ignore'
  /** Refuses a login whose token answer names no patient. */
  requirePatient: boolean
  /** Accepted `iss` of id_tokens besides the discovered one. */
  issuers: readonly string[]
  /** Where the browser comes back to, absolute, byte for byte as registered at the EHR. */
  redirectUri: string
  embedded: boolean
  rewrite: boolean
  upstreamCompression: 'identity' | 'gzip'
  prompt?: string
  /** Extra members of the token response shown in the session document. */
  extras: readonly string[]
  network: NetworkPolicy
  quirks: Quirks
}

/** How connections to one EHR are made. PEM texts, not file names. */
export interface NetworkPolicy {
  reach: 'public' | 'private'
  ca?: string
  clientCertificate?: { cert: string; key: string }
  /** Outbound HTTP proxy (CONNECT), absolute URL. */
  proxy?: string
}

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
  returnTo: string
}

/** An authorization in progress. */
export interface PendingLaunch {
  launchId: string
  /** Of the state value: what is taken once. */
  jti: string
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
export type LaunchMaterial = Omit<PendingLaunch, 'launchId' | 'jti' | 'expiresAt'>

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
