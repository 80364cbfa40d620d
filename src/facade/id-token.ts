// The id_token that an existing app gets: who logged in at the EHR, said by us, with addresses below our base
// (OpenID Connect Core 2, SMART App Launch 2.2). Pure: no I/O, no clock.

import { SignJWT } from 'jose'
import type { SigningKey } from '../signing-keys.ts'
import type { Identity } from '../smart/types.ts'

export interface IdTokenPlan {
  /** Issuer, and the base of the user's address. */
  facadeUrl: string
  clientId: string
  nonce?: string
  /** FHIR bases of the EHR that become ours. */
  bases: readonly string[]
  /** Milliseconds since the epoch. */
  now: number
}

const LIFETIME_SECONDS = 300

/** Signs it with ES256. */
export async function signIdToken(
  identity: Identity,
  { kid, privateKey }: SigningKey,
  { facadeUrl, clientId, nonce, bases, now }: IdTokenPlan,
): Promise<string> {
  const { sub, name, preferredUsername, email } = identity
  const fhirUser = identity.fhirUser && moveBelow(facadeUrl, identity.fhirUser, bases)
  const issuedAt = Math.floor(now / 1000)
  // Apps written before SMART App Launch 2 read `profile`.
  const claims = { nonce, fhirUser, profile: fhirUser, name, email }
  return await new SignJWT({ ...claims, preferred_username: preferredUsername })
    .setProtectedHeader({ alg: 'ES256', kid, typ: 'JWT' })
    .setIssuer(facadeUrl)
    .setSubject(sub)
    .setAudience(clientId)
    .setIssuedAt(issuedAt)
    .setExpirationTime(issuedAt + LIFETIME_SECONDS)
    .sign(privateKey)
}

function moveBelow(ours: string, address: string, bases: readonly string[]): string {
  const base = bases.map(one => one.replace(/\/$/, '')).find(one => address.startsWith(`${one}/`))
  return base === undefined ? address : ours + address.slice(base.length)
}
