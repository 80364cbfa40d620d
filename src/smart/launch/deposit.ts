// What lies in the vault while an opaque state is on its way: a pending launch, sealed by a secret
// that only the launch cookie holds. Whoever reads the vault alone, or holds the cookie alone, has
// nothing. AES-256-GCM, one key for one text. Pure: randomness is passed in (attacks D7, S10).

import { base64url, type CryptoKey } from 'jose'
import type { RandomBytes } from '../types.ts'

const ALGORITHM = 'AES-GCM'
const SECRET_BYTES = 32
const NONCE_BYTES = 12
const TAG_BYTES = 16

/** Seals a text under a 32-byte secret, bound to the launch it belongs to. */
export async function sealDeposit(
  text: string,
  secret: Uint8Array,
  launchId: string,
  randomBytes: RandomBytes,
): Promise<string> {
  const nonce = new Uint8Array(randomBytes(NONCE_BYTES))
  const key = await importSecret(secret, 'encrypt')
  const plain = new TextEncoder().encode(text)
  const sealed = await crypto.subtle.encrypt(parametersOf(nonce, launchId), key, plain)
  const bytes = new Uint8Array(NONCE_BYTES + sealed.byteLength)
  bytes.set(nonce)
  bytes.set(new Uint8Array(sealed), NONCE_BYTES)
  return base64url.encode(bytes)
}

/** The sealed text, or undefined when it was altered, moved, or sealed by another secret. */
export async function openDeposit(
  sealed: string,
  secret: Uint8Array,
  launchId: string,
): Promise<string | undefined> {
  const bytes = new Uint8Array(base64url.decode(sealed))
  if (bytes.length < NONCE_BYTES + TAG_BYTES || secret.length !== SECRET_BYTES) return undefined
  const parameters = parametersOf(bytes.subarray(0, NONCE_BYTES), launchId)
  const key = await importSecret(secret, 'decrypt')
  try {
    const opened = await crypto.subtle.decrypt(parameters, key, bytes.subarray(NONCE_BYTES))
    return new TextDecoder().decode(opened)
  } catch {
    return undefined
  }
}

async function importSecret(secret: Uint8Array, use: 'encrypt' | 'decrypt'): Promise<CryptoKey> {
  return await crypto.subtle.importKey('raw', new Uint8Array(secret), ALGORITHM, false, [use])
}

function parametersOf(iv: Uint8Array<ArrayBuffer>, launchId: string) {
  const additionalData = new TextEncoder().encode(`fhirstorm launch ${launchId}`)
  return { name: ALGORITHM, iv, additionalData }
}
