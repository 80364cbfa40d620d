// A face of the sandbox: one EHR as an app sees it, with a FHIR base and an authorization server of its
// own address, and with what it does otherwise than the plain ones. Behind every face stand the same
// patients and the same real authorization server, so that its flows are real up to the named fault.

import type { IncomingHttpHeaders } from 'node:http'
import type { JWTPayload } from 'jose'
import type { Answer } from '../http/answer.ts'
import type { Manner } from '../http/connection.ts'

export type FhirVersion = '4.0.1' | '3.0.1' | '1.0.2'

export type Document = Record<string, unknown>

/** What a hook is told about the request that it answers. */
export interface Call {
  site: Site
  method: string
  /** Below the FHIR base or the authorization server, with its leading slash. */
  path: string
  query: URLSearchParams
  headers: IncomingHttpHeaders
  /** Times that this document was asked for at this face, this one included; 0 for anything else. */
  visit: number
}

/** A token request: the exchange of a code, or a renewal. */
export interface TokenCall {
  site: Site
  grantType: string | undefined
  /** Renewals of this grant so far, this one included; 0 for the exchange of the code. */
  renewal: number
  /** As it was presented. */
  refreshToken: string | undefined
  sign: Sign
}

/** Signs claims with the key that the sandbox publishes; other algorithms and keys by `header`. */
export type Sign = (
  claims: JWTPayload,
  header?: { alg?: string; kid?: string; typ?: string },
) => Promise<string>

type Answering = Answer | Promise<Answer>

export interface Face {
  /** Stable and kebab-case; the FHIR base is /faces/NAME/fhir unless `base` says otherwise. */
  name: string
  /** One sentence: what an app meets here. */
  about: string
  fhirVersion?: FhirVersion
  /** Path of the FHIR base; the authorization server then stands at the root. */
  base?: string
  /** What is done to the connection of a request. */
  connection?(place: Place): Manner | undefined
  /** Documents that are elsewhere now. */
  moves?: readonly Move[]
  /** The document at .well-known/smart-configuration as it would be. */
  smartConfiguration?(document: Document, call: Call): Answering
  /** The CapabilityStatement or Conformance as it would be. */
  metadata?(document: Document, call: Call): Answering
  openidConfiguration?(document: Document, call: Call): Answering
  jwks?(document: Document, call: Call): Answering
  /** Refuses scopes that this server does not know. */
  acceptsScope?(scope: string): boolean
  /** The server refuses a request that names its FHIR base. */
  refusesAudience?: boolean
  /** Sends each authorization request back with this error. */
  refusesAuthorization?: string
  /** Changes the address that the browser is sent back to. */
  callback?(location: URL, call: Call): void
  /** An answer before any work is done. */
  beforeToken?(call: TokenCall): Answering | undefined
  /** The answer to a successful token request; its work is done, a refresh token rotated. */
  token?(body: Document, call: TokenCall): Answering
  /** Refresh tokens stay the same. */
  keepsRefreshToken?: boolean
  /** Signs what tells the app of a logout. */
  logoutToken?(claims: JWTPayload, sign: Sign): Promise<string>
  /** Entity tags are strong, and compared as such: `W/"1"` is never the same as `"1"`. */
  strongTags?: boolean
  /** A FHIR answer; `answer` does the work. */
  fhir?(answer: () => Promise<Answer>, call: Call): Answering
}

export interface Site {
  face: Face
  /** Scheme, host and port; the issuer of every face. */
  origin: string
  /** FHIR base, absolute, without a slash at its end. */
  base: string
  /** Path before the authorization server's routes. */
  mount: string
  endpoints: Endpoints
}

export interface Endpoints {
  authorize: string
  token: string
  revoke: string
  introspect: string
  push: string
  jwks: string
  logout: string
}

export interface Place {
  site: Site
  kind: 'fhir' | 'oauth'
  /** Below the FHIR base or the mount; begins with a slash, or is empty. */
  path: string
}

export interface Move {
  /** Path below the FHIR base or the authorization server's mount. */
  from: string
  status: 301 | 302 | 303 | 307 | 308
  /** Paths, or other servers' addresses, on the way; the last path serves what `from` would. */
  through: readonly string[]
  /** Location as a path alone. */
  relative?: boolean
}
