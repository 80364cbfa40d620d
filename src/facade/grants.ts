// What an existing app holds for a moment, each taken once: a launch of ours, an authorization that waits
// for a login, a code. They lie in the vault under the hash of what the app was given; what is in them opens
// nothing without the ticket. The vault and the randomness are passed in.

import { hash } from 'node:crypto'
import type { RandomBytes } from '../smart/types.ts'
import type { Vault } from '../vault/vault.ts'
import type { AppRequest } from './authorization.ts'
import type { CodeGrant } from './token.ts'

/** An authorization of an app while its user logs in. */
export interface WaitingRequest {
  ehr: string
  request: AppRequest
}

/** A finished EHR launch that its app has not taken up. */
export interface ReadyLaunch {
  ehr: string
  /** Session id. */
  session: string
}

interface Kinds {
  launch: ReadyLaunch
  waiting: WaitingRequest
  code: CodeGrant
}

export interface Grants {
  /** Keeps it until it is taken or its time is over; the 256 random bits that name it, base64url. */
  give<K extends keyof Kinds>(kind: K, grant: Kinds[K]): Promise<string>
  /** One caller gets it, later ones undefined. */
  take<K extends keyof Kinds>(kind: K, name: string): Promise<Kinds[K] | undefined>
}

const SECOND_MS = 1_000
/** A login at the EHR may take as long as its state. */
const LIFETIMES: Readonly<Record<keyof Kinds, number>> = {
  launch: 300 * SECOND_MS,
  waiting: 600 * SECOND_MS,
  code: 60 * SECOND_MS,
}

/** Grants over a vault. */
export function createGrants(
  vault: Pick<Vault, 'deposit' | 'withdraw' | 'now'>,
  randomBytes: RandomBytes,
): Grants {
  return {
    async give(kind, grant) {
      const name = Buffer.from(randomBytes(32)).toString('base64url')
      const expiresAt = vault.now() + LIFETIMES[kind]
      await vault.deposit(keyOf(kind, name), JSON.stringify(grant), expiresAt)
      return name
    },
    async take(kind, name) {
      const found = await vault.withdraw(keyOf(kind, name))
      return found === undefined ? undefined : JSON.parse(found)
    },
  }
}

function keyOf(kind: keyof Kinds, name: string): string {
  return `facade-${kind}-${hash('sha256', name, 'base64url')}`
}
