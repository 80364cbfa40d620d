// The way to the EHR's own logout as an address of ours: the EHR's address, which may carry the id_token, is
// sealed in it, so that no script of the page reads it. Needs no store: a logout is told while there is none.

import { EncryptJWT, jwtDecrypt } from 'jose'

const LIFETIME_SECONDS = 3600
const CLOCK_TOLERANCE_SECONDS = 60

/** The path below the public URL that leads there. */
const FAREWELL_PATH = '/logout/ehr'

/** The address of ours that leads to `url` for an hour. */
export async function buildFarewellUrl(
  url: string,
  { publicUrl, keys, now }: { publicUrl: string; keys: readonly Uint8Array[]; now: number },
): Promise<string> {
  const sealed = await new EncryptJWT({ to: url })
    .setProtectedHeader({ alg: 'dir', enc: 'A256GCM' })
    .setAudience(publicUrl)
    .setExpirationTime(Math.floor(now / 1000) + LIFETIME_SECONDS)
    .encrypt(keys[0] as Uint8Array)
  return `${publicUrl}${FAREWELL_PATH}?to=${sealed}`
}

/** Where a sealed text leads; undefined for one that is not ours, or no longer. */
export async function openFarewell(
  sealed: unknown,
  { publicUrl, keys, now }: { publicUrl: string; keys: readonly Uint8Array[]; now: number },
): Promise<string | undefined> {
  if (typeof sealed !== 'string') return undefined
  for (const key of keys) {
    try {
      const { payload } = await jwtDecrypt<{ to?: unknown }>(sealed, key, {
        audience: publicUrl,
        keyManagementAlgorithms: ['dir'],
        contentEncryptionAlgorithms: ['A256GCM'],
        clockTolerance: CLOCK_TOLERANCE_SECONDS,
        currentDate: new Date(now),
      })
      if (typeof payload.to === 'string') return payload.to
    } catch {
      // Sealed by another key of the ring, or by nobody.
    }
  }
  return undefined
}
