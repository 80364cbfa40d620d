// Capability: access tokens of sessions, good for the request at hand. Renews ahead of expiry, one call
// for all who ask at once, and gives back tokens that nobody will use any more.

import { randomBytes as randomBytesOfNode } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { pseudonymOf } from '../src/about.ts'
import { describeError } from '../src/error-description.ts'
import { observerOf } from '../src/observer.ts'
import { within } from '../src/patience.ts'
import { judgeOptions, listWith, requireParts } from '../src/plugin-terms.ts'
import { createRevocations } from '../src/session/giving-back.ts'
import { createRenewals } from '../src/session/renewal.ts'
import type { OpenSession } from '../src/session/session.ts'
import { refreshTokens } from '../src/smart/token/refresh.ts'
import { revokeTokens } from '../src/smart/token/revocation.ts'
import type { RandomBytes, Registration, TokenSet } from '../src/smart/types.ts'
import type {} from './authorization-server.ts'
import type {} from './session-store.ts'
import type {} from './vault.ts'

declare module 'fastify' {
  interface FastifyInstance {
    smartTokens: Tokens
  }
}

export interface Tokens {
  /** A token good for this request, renewed ahead of its expiry. */
  accessToken(open: OpenSession): string | Promise<string>
  /** A newer token after the EHR refused the one at hand, or `upstream_unauthorized`. */
  renew(open: OpenSession): Promise<string>
  /** Gives back tokens that no session will use any more, behind the answer and where the EHR can. */
  discard(ehr: string, tokens: TokenSet): void
  /** Resolves when no renewal is under way and all that goes back has gone back or is given up. */
  settled(): Promise<void>
}

export interface RenewalOptions {
  registrations: readonly Registration[]
  /** The time of day that all instances share, by which tokens end; the vault's unless told. */
  now?: () => number
  /** Milliseconds by a clock that nobody sets. */
  steady?: () => number
  /** Node's unless told. */
  randomBytes?: RandomBytes
  /** Milliseconds a token call may take at most; a renewal's lease lasts three times as long. */
  deadlineMs?: number
}

const REVOCATION_PATIENCE_MS = 1_000
/** Longest wait for renewals and for the vault when the app closes. */
const DRAIN_MS = 20_000

async function renewal(app: FastifyInstance, options: RenewalOptions): Promise<void> {
  requireParts(app, 'renewal', ['smartAuthorization', 'smartSessions', 'smartVault'])
  judgeOptions('renewal', options, { registrations: listWith('id', 'iss') })
  const { now = app.smartVault.now, randomBytes = randomBytesOfNode } = options
  const { deadlineMs = 10_000 } = options
  const { smartAuthorization: authorization, smartSessions: sessions } = app
  const observer = observerOf(app)
  const registrations = new Map(options.registrations.map(entry => [entry.id, entry]))
  const pause = (milliseconds: number) => wait(milliseconds, undefined, { ref: false })
  const revocations = createRevocations({
    wait: pause,
    async revoke(ehr, tokens) {
      const registration = registrations.get(ehr)
      if (!registration) return
      const outcome = await revokeTokens(
        tokens,
        await authorization.prepare(registration, 'revocation'),
      )
      if (outcome === 'failed') throw new Error('not all tokens were revoked')
    },
    onGivenUp: (ehr, error) =>
      app.log.warn({ ehr, err: describeError(error) }, 'tokens could not be revoked'),
  })
  const renewals = createRenewals({
    vault: app.smartVault,
    now,
    steady: options.steady ?? (() => performance.now()),
    deadlineMs,
    owner: Buffer.from(randomBytes(16)).toString('base64url'),
    random: Math.random,
    wait: pause,
    replace: sessions.replace,
    reopen: sessions.reopen,
    async prepare(open) {
      const call = await authorization.prepare(requireRegistration(open))
      return () => refreshTokens(open.session.tokens, call)
    },
    endSession: ({ recordId, generation, session: { ehr } }) =>
      sessions.end(recordId, { generation, ehr, reason: 'token_ended' }),
    discard: (open, tokens) => revocations.giveBack(open.session.ehr, tokens),
    report(outcome, { session: { ehr, tokens }, recordId }) {
      observer.count(outcome, ehr)
      if (outcome !== 'renewed' && outcome !== 'failed') return
      const [session, user] = [pseudonymOf(recordId), app.smartUserName?.(ehr, tokens)]
      void observer.tell({ act: 'renewal', ehr, session, user, whose: tokens, reason: outcome })
    },
  })

  app.decorate('smartTokens', {
    accessToken: renewals.accessToken,
    renew: renewals.renew,
    discard: revocations.giveBack,
    async settled() {
      await renewals.settled()
      await revocations.settled()
    },
  })

  // Before the network and the vault close: a refresh token that was sent must find its successor
  // stored, however busy the vault is, and a logout its revocation tried.
  app.addHook('onClose', async () => {
    const isStored = await within(
      DRAIN_MS,
      renewals.settled().then(() => true),
    )
    if (!isStored) app.log.error('renewed tokens could not be stored: their sessions will end')
    await within(REVOCATION_PATIENCE_MS, revocations.settled())
  })

  function requireRegistration({ session }: OpenSession): Registration {
    const registration = registrations.get(session.ehr)
    if (!registration) throw new Error('the session belongs to no registration')
    return registration
  }
}

export default fp(renewal, {
  name: 'fhirstorm-renewal',
  fastify: '5.x',
})
