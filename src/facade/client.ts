// The existing app that finds a SMART server below /smart/EHR-ID: one public client at our own origin.
// Types, and where its server lies. Pure: no I/O, no clock.

import { BrokerError } from '../errors.ts'

/** The app, its addresses absolute. */
export interface FacadeClient {
  clientId: string
  /** Where the app begins its own launch, with `iss` and `launch`. */
  launchUrl: string
  /** Compared byte for byte, but for a bare origin, which is its root. */
  redirectUris: readonly string[]
  /** A habit of old apps: authorization requests without a code challenge are taken. */
  pkceOptional: boolean
}

/** The base of the SMART server that an app is shown for one EHR; FHIR lies there too. */
export function buildFacadeUrl(publicUrl: string, ehr: string): string {
  return `${publicUrl}/smart/${ehr}`
}

/**
 * The app's own launch address: with a launch of ours after an EHR launch, without one it begins a standalone
 * launch.
 */
export function buildLaunchLanding(launchUrl: string, iss: string, launch?: string): string {
  const url = new URL(launchUrl)
  url.searchParams.set('iss', iss)
  if (launch !== undefined) url.searchParams.set('launch', launch)
  return url.href
}

/** A JWT without claims (RFC 7519), up to where its signature stands. */
const EMPTY_JWT = 'eyJhbGciOiJub25lIn0.e30.'

/**
 * The session's name as an access token. Libraries from before PKCE take theirs for a JWT when a page is
 * loaded again, and stop at anything else: theirs is an empty one, and the name stands where it is signed.
 */
export function writeSessionName(name: string, isOldApp: boolean): string {
  return isOldApp ? EMPTY_JWT + name : name
}

/**
 * The name of a session that an app has for its access token, in an Authorization header; it opens nothing
 * by itself. Refuses with `session_invalid`.
 */
export function readSessionName(authorization = ''): string {
  const [, token = ''] = /^Bearer ([A-Za-z0-9_.-]{22,64})$/i.exec(authorization) ?? []
  const name = token.startsWith(EMPTY_JWT) ? token.slice(EMPTY_JWT.length) : token
  if (!/^[A-Za-z0-9_-]{22}$/.test(name)) throw new BrokerError('session_invalid')
  return name
}
