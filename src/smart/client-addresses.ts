// Our addresses that an EHR has to know: what the operator registers there with the client. Pure.

import { canonicalIssuer } from './issuer.ts'
import type { Registration } from './types.ts'

/** Absolute addresses, each as it is to be registered, byte for byte. */
export interface ClientAddresses {
  redirectUri: string
  launchUrl: string
  /** Of our public keys, where the client proves itself by one. */
  jwksUri?: string
  backchannelLogoutUri: string
  postLogoutRedirectUri?: string
}

export interface OwnPlaces {
  /** Without a trailing slash. */
  publicUrl: string
  postLogoutUrl?: string
}

/**
 * What to register for one of the registrations. Its launch URL names it where another one has the
 * same `iss`.
 */
export function listClientAddresses(
  { id, iss, redirectUri, clientAuth: { method } }: RegisteredClient,
  registrations: readonly Pick<Registration, 'id' | 'iss'>[],
  { publicUrl, postLogoutUrl }: OwnPlaces,
): ClientAddresses {
  const own = canonicalIssuer(iss)
  const hasTwin = registrations.some(other => other.id !== id && canonicalIssuer(other.iss) === own)
  return {
    redirectUri,
    launchUrl: hasTwin ? `${publicUrl}/launch/${id}` : `${publicUrl}/launch`,
    ...(method === 'private_key_jwt' ? { jwksUri: `${publicUrl}/.well-known/jwks.json` } : {}),
    backchannelLogoutUri: `${publicUrl}/backchannel-logout`,
    ...(postLogoutUrl === undefined ? {} : { postLogoutRedirectUri: postLogoutUrl }),
  }
}

type RegisteredClient = Pick<Registration, 'id' | 'iss' | 'redirectUri'> & {
  clientAuth: { method: string }
}

/** One line an address, for an operator's terminal. */
export function describeClientAddresses(addresses: ClientAddresses): string[] {
  const rows: readonly (readonly [label: string, address: string | undefined])[] = [
    ['redirect URI', addresses.redirectUri],
    ['launch URL', addresses.launchUrl],
    ['key set (JWKS)', addresses.jwksUri],
    ['back-channel logout', addresses.backchannelLogoutUri],
    ['after logout', addresses.postLogoutRedirectUri],
  ]
  return rows.flatMap(([label, address]) =>
    address === undefined ? [] : [`${label.padEnd(20)} ${address}`],
  )
}
