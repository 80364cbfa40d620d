// Client keys as operators keep them: PEM of any of the three kinds that OpenSSL writes becomes a JWK,
// which is what the rules read. Never says a word of the key.

import { createPrivateKey, createPublicKey } from 'node:crypto'

/** The text as it is, or, where it is PEM, its key as the JSON of a JWK. Throws an Error fit for an operator. */
export function readClientKeyText(text: string): string {
  if (!text.trimStart().startsWith('-----BEGIN')) return text
  try {
    return JSON.stringify(createPrivateKey(text).export({ format: 'jwk' }))
  } catch {
    throw new Error('a client key cannot be read as a private key')
  }
}

/** The same of a public key; throws for PEM in which a private one stands. */
export function readPublicKeyText(text: string): string {
  if (!text.trimStart().startsWith('-----BEGIN')) return text
  if (text.includes('PRIVATE KEY')) {
    throw new Error('a private key stands among the public keys of a signer')
  }
  try {
    return JSON.stringify(createPublicKey(text).export({ format: 'jwk' }))
  } catch {
    throw new Error('a public key of a signer cannot be read')
  }
}
