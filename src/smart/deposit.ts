// What lies in the vault while an opaque state is on its way: a pending launch, sealed by a secret
// that only the launch cookie holds. Whoever reads the vault alone, or holds the cookie alone, has
// nothing. AES-256-GCM, one key for one text. Pure: randomness is passed in (attacks D7, S10).

import { createCipheriv, createDecipheriv } from 'node:crypto'
import type { RandomBytes } from './types.ts'

const ALGORITHM = 'aes-256-gcm'
const NONCE_BYTES = 12
const TAG_BYTES = 16

/** Seals a text under a 32-byte secret, bound to the launch it belongs to. */
export function sealDeposit(
  text: string,
  secret: Uint8Array,
  launchId: string,
  randomBytes: RandomBytes,
): string {
  const nonce = randomBytes(NONCE_BYTES)
  const cipher = createCipheriv(ALGORITHM, secret, nonce).setAAD(labelOf(launchId))
  const sealed = [nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]
  return Buffer.concat(sealed).toString('base64url')
}

/** The sealed text, or undefined when it was altered, moved, or sealed by another secret. */
export function openDeposit(
  sealed: string,
  secret: Uint8Array,
  launchId: string,
): string | undefined {
  const bytes = Buffer.from(sealed, 'base64url')
  if (bytes.length < NONCE_BYTES + TAG_BYTES || secret.length !== 32) return undefined
  const decipher = createDecipheriv(ALGORITHM, secret, bytes.subarray(0, NONCE_BYTES))
    .setAAD(labelOf(launchId))
    .setAuthTag(bytes.subarray(-TAG_BYTES))
  try {
    const opened = decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES))
    return Buffer.concat([opened, decipher.final()]).toString('utf8')
  } catch {
    return undefined
  }
}

function labelOf(launchId: string): Buffer {
  return Buffer.from(`fhirstorm launch ${launchId}`)
}
