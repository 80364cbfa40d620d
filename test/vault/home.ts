// A home of the vault under test, and the clock that its connections go by.

import type { TestContext } from 'node:test'
import type { Vault } from '../../src/vault/vault.ts'

export interface OpenHome {
  vault: Vault
  connect(): Promise<Vault>
}

export interface Home {
  name: string
  /** A new empty store; `connect` opens it once more, as another process would. */
  open(t: TestContext, now: () => number): Promise<OpenHome>
  /** Milliseconds another connection may lag behind; none is one turn of the event loop. */
  lagMs: number
}

/** Opens a home for each test with a clock that is right until the test sets it. */
export function useHome(home: Home) {
  let ahead = 0
  const now = () => Date.now() + ahead
  return {
    now,
    async open(t: TestContext): Promise<OpenHome> {
      ahead = 0
      return await home.open(t, now)
    },
    /** The clock is so many milliseconds ahead from now on. */
    setAhead(milliseconds: number): void {
      ahead = milliseconds
    },
    title: (text: string) => `${text} (${home.name})`,
  }
}
