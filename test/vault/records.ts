// Records to test with.

import { randomBytes } from 'node:crypto'
import type { NewRecord } from '../../src/vault/vault.ts'

const MINUTE = 60_000

/** An id such as tickets have. */
export const newId = () => randomBytes(32).toString('base64url')

/** A record that lives ten minutes unless touched, an hour at most. */
export function buildRecord(now: number, overrides: Partial<NewRecord> = {}): NewRecord {
  return {
    keyId: 'key-1',
    value: randomBytes(300),
    lastUsedAt: now,
    expiresAt: now + 10 * MINUTE,
    endsAt: now + 60 * MINUTE,
    indexes: [],
    ...overrides,
  }
}
