// Capability: sessions in the vault, by their records. What tickets, renewals, logouts and the
// administrator share; knows nothing of cookies. Whatever ends here is tried until the vault has it.

import { randomBytes as randomBytesOfNode } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { pseudonymOf } from '../src/about.ts'
import { observerOf } from '../src/observer.ts'
import { within } from '../src/patience.ts'
import {
  aPositiveNumber,
  judgeOptions,
  optional,
  requireParts,
  withMethods,
} from '../src/plugin-terms.ts'
import { createUserNames, type NameUser } from '../src/session/pseudonyms.ts'
import type { RecordSealer } from '../src/session/sealer.ts'
import { createSessionStore, type SessionStore, type StoreOptions } from '../src/session/store.ts'
import type {} from './vault.ts'

declare module 'fastify' {
  interface FastifyInstance {
    smartSessions: SessionStore
    /** A user's pseudonym in the log. */
    smartUserName?: NameUser
  }
}

export interface SessionStoreOptions
  extends Partial<Pick<StoreOptions, 'now' | 'randomBytes' | 'openedBytes'>> {
  sealer: RecordSealer
  /** A session that is not used ends after so many milliseconds; 15 minutes unless told. */
  idleMs?: number
  /** Longest life of a session in milliseconds; 12 hours unless told. */
  absoluteMs?: number
}

/** Longest wait for endings that the vault has not taken when the app closes. */
const ENDING_PATIENCE_MS = 5_000

async function sessionStore(app: FastifyInstance, options: SessionStoreOptions): Promise<void> {
  requireParts(app, 'session-store', ['smartVault'])
  judgeOptions('session-store', options, {
    sealer: withMethods('seal', 'open', 'recordId'),
    idleMs: optional(aPositiveNumber),
    absoluteMs: optional(aPositiveNumber),
  })
  const observer = observerOf(app)
  const { now = app.smartVault.now, randomBytes = randomBytesOfNode } = options
  const { idleMs = 900_000, absoluteMs = 43_200_000 } = options
  const store = createSessionStore({
    ...{ ...options, now, randomBytes, idleMs, absoluteMs },
    vault: app.smartVault,
    onUnreadable: ehr => observer.count('unreadable', ehr),
  })
  app.decorate('smartSessions', store)
  app.decorate('smartUserName', createUserNames(options.sealer))
  // A logout is told where it was asked for, with who asked.
  store.changes.watch(change => {
    if (change.type !== 'ended' || change.reason === 'logout') return
    const { recordId, ehr, reason = 'other' } = change
    void observer.tell({ act: 'ending', ehr, session: pseudonymOf(recordId), reason })
  })
  app.addHook('onClose', async () => {
    await within(ENDING_PATIENCE_MS, store.settled())
  })
}

export default fp(sessionStore, {
  name: 'fhirstorm-session-store',
  fastify: '5.x',
})
