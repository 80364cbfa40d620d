// The keys that seal audit lines: one from each server key of the ring. They outlive epochs: what was recorded
// before one stays what it was. No I/O, no clock.

import type { KeyRing } from '../keys.ts'
import { deriveSigningKeys, type SigningKey } from '../signing-keys.ts'

/** Keys that seal, the one in use first; their public halves verify. */
export function deriveSealKeys(ring: KeyRing): SigningKey[] {
  return deriveSigningKeys({ ...ring, epoch: 0 }, 'audit seal')
}
