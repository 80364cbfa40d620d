// SHA-2 digests by the Web's own cryptography, as unpadded base64url: what PKCE, launch ids and at_hash
// are made of. Pure.

import { base64url } from 'jose'

export type DigestName = 'SHA-256' | 'SHA-384' | 'SHA-512'

/** The digest of an ASCII or UTF-8 text; `share` keeps its first bytes alone (0.5 is the left half). */
export async function digestText(
  text: string,
  name: DigestName = 'SHA-256',
  share = 1,
): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest(name, new TextEncoder().encode(text)))
  return base64url.encode(digest.subarray(0, digest.length * share))
}
