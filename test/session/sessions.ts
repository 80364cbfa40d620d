// Sessions to test with: token sets, a store over a memory vault, and a clock that tests move.

import { randomBytes } from 'node:crypto'
import { makeKeyRing } from '../../src/keys.ts'
import { createRecordSealer } from '../../src/session/sealer.ts'
import { createSessionStore } from '../../src/session/store.ts'
import type { TokenSet } from '../../src/smart/types.ts'
import { createMemoryVault } from '../../src/vault/memory.ts'
import type { Vault } from '../../src/vault/vault.ts'

export const MINUTE = 60_000
export const HOUR = 60 * MINUTE

export interface Clock {
  now: () => number
  pass(milliseconds: number): void
}

/** A clock that stands still until a test moves it. */
export function createClock(at = Date.UTC(2026, 0, 1)): Clock {
  return {
    now: () => at,
    pass(milliseconds) {
      at += milliseconds
    },
  }
}

/** A token set as an exchange would make it. */
export function buildTokens(now: number, overrides: Partial<TokenSet> = {}): TokenSet {
  return {
    tokenType: 'Bearer',
    accessToken: 'access-1',
    accessTokenExpiresAt: now + HOUR,
    accessTokenLifetimeMs: HOUR,
    refreshToken: 'refresh-1',
    identity: { iss: 'https://ehr.example.org', sub: 'doctor', sid: 'login-1' },
    requestedScope: 'launch patient/*.rs',
    grantedScope: 'patient/*.rs',
    context: { patient: 'amy', fhirContext: [], needPatientBanner: true, extras: {} },
    warnings: [],
    ...overrides,
  }
}

/** A store over a memory vault (or the given one), with all its parts in reach. */
export function buildStore({
  clock = createClock(),
  vault,
  absoluteMs = 12 * HOUR,
}: {
  clock?: Clock
  vault?: Vault
  absoluteMs?: number
} = {}) {
  const home = vault ?? createMemoryVault({ now: clock.now, steady: clock.now })
  const sealer = createRecordSealer(makeKeyRing(clock.now(), randomBytes))
  const unreadable: string[] = []
  const build = (through = home, openedBytes?: number) =>
    createSessionStore({
      openedBytes,
      vault: through,
      sealer,
      now: clock.now,
      randomBytes,
      idleMs: 15 * MINUTE,
      absoluteMs,
      onUnreadable: ehr => unreadable.push(ehr),
    })
  return { clock, vault: home, sealer, unreadable, store: build(), another: build }
}

export const ISS = 'https://ehr.example.org/fhir'
