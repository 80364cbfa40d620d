// Our entry for one EHR, as the configuration makes it: who we are there and how we prove it, where its
// endpoints may lie, how it is connected to, and which of its habits we put up with. Types only.

import type { JWK } from 'jose'

/** How the confidential client proves itself at the token endpoint (SMART App Launch 2.2). */
export type ClientAuthentication =
  | { method: 'client_secret_basic' | 'client_secret_post'; secret: string }
  | { method: 'private_key_jwt'; keys: readonly ClientKey[]; alg?: 'RS384' | 'ES384' }

/** Signs bytes; rejects with BrokerError where that cannot be done now. */
export type Sign = (input: Uint8Array) => Promise<Uint8Array>

/** A signing key of ours, wherever its private half is; `kid` names it in the published key set. */
export interface ClientKey {
  /** Published, and not to sign before every EHR can have seen it. */
  isNext?: boolean
  kid: string
  alg: ClientKeyAlg
  /** By the key's algorithm, as JWS has it. */
  sign: Sign
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
  /** A second name for `aud` in the authorization request. */
  audienceName: 'aud' | 'audience' | 'resource'
  /** `aud` of the client assertion; the token URL where it is not given. */
  assertionAudience?: string
  /** `jku` header of the client assertion; none where it is not given. */
  assertionJku?: string
  scopeVersion: 'asWritten' | 'v1'
  tokenTypeOptional: boolean
  scopeArray: 'refuse' | 'join'
  createdStatus: 'refuse' | 'accept'
  issuerTrailingSlash: 'exact' | 'ignore'
  httpAddresses: 'refuse' | 'asHttps'
  /** Of the clock that writes the EHR's JWTs. */
  clockSkewSeconds: number
  patientFromFhirUser: boolean
}

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
  /** Accepted `iss` of id_tokens, and of answers that name one, besides the discovered one. */
  issuers: readonly string[]
  /** Where the browser comes back to, absolute, byte for byte as registered at the EHR. */
  redirectUri: string
  /**
   * The `iss` that this EHR's answers must carry (RFC 9207), where it shares its redirect URI with
   * others or is held to it by choice.
   */
  responseIss?: string
  /** Where users also log out of the EHR, where it does not say so itself. */
  endSessionEndpoint?: string
  embedded: boolean
  /** Origins whose pages frame the app, where these are not those of its endpoints. */
  frameAncestors?: readonly string[]
  rewrite: boolean
  upstreamCompression: 'identity' | 'gzip'
  /** Wait for an answer of its FHIR server to begin, in seconds. */
  firstByteSeconds?: number
  prompt?: string
  /** Extra members of the token response shown in the session document. */
  extras: readonly string[]
  network: NetworkPolicy
  quirks: Quirks
  /** What may pass to it besides what it decides itself; everything unless told. */
  policy?: InteractionPolicy
}

/** What an operator lets pass to an EHR. */
export interface InteractionPolicy {
  /** Reads and searches alone. */
  readOnly: boolean
  /** HTTP methods; all unless told. */
  methods?: readonly string[]
  /** FHIR types; all unless told, and with a list nothing that is on all of them at once. */
  types?: readonly string[]
  /** Nothing that the granted scopes cannot hold. */
  enforceScopes: boolean
}

type ProxiedSettings = Pick<
  Registration,
  | 'baseAliases'
  | 'embedded'
  | 'rewrite'
  | 'upstreamCompression'
  | 'firstByteSeconds'
  | 'network'
  | 'policy'
>

/** What the proxy needs to know of an EHR; what is left out is as strict as a registration's defaults. */
export interface ProxiedEhr extends Pick<Registration, 'id' | 'iss'>, Partial<ProxiedSettings> {}

/** How connections to one EHR are made. PEM texts, not file names. */
export interface NetworkPolicy {
  reach: 'public' | 'private'
  ca?: string
  clientCertificate?: { cert: string; key: string }
  /** Outbound HTTP proxy (CONNECT), absolute URL. */
  proxy?: string
}
