// The keys that sign id_tokens: RS256, as SMART asks of servers (SC-38); made anew for each sandbox.

import { type CryptoKey, exportJWK, generateKeyPair, type JWK } from 'jose'

export interface SigningKeys {
  kid: string
  privateKey: CryptoKey
  publicKey: CryptoKey
  /** With the private key, for oidc-provider. */
  jwks: { keys: JWK[] }
}

/** A new pair of keys. */
export async function createSigningKeys(): Promise<SigningKeys> {
  const kid = 'sandbox-1'
  const { privateKey, publicKey } = await generateKeyPair('RS256', { extractable: true })
  const jwk = await exportJWK(privateKey)
  return { kid, privateKey, publicKey, jwks: { keys: [{ ...jwk, kid, alg: 'RS256', use: 'sig' }] } }
}
