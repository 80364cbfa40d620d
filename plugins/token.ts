// Capability: tokens. Exchanges codes, hands the proxy an access token that is good for its request,
// renews and revokes. Tokens go from here to the EHR and nowhere else.

import { setTimeout as wait } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { within } from '../src/patience.ts'
import { createRefresher } from '../src/session/refresh.ts'
import { createRevocations } from '../src/session/revocation.ts'
import type { OpenSession } from '../src/session/session.ts'
import { buildEndSessionUrl } from '../src/smart/identity/end-session.ts'
import type { AuthorizationParameters } from '../src/smart/launch/authorize.ts'
import { pushAuthorizationRequest } from '../src/smart/launch/pushed-authorization.ts'
import { refreshTokens } from '../src/smart/token/refresh.ts'
import { revokeTokens } from '../src/smart/token/revocation.ts'
import { exchangeCode, type TokenCall } from '../src/smart/token/token.ts'
import type {
  AuthorizationServer,
  PendingLaunch,
  RandomBytes,
  Registration,
  TokenSet,
} from '../src/smart/types.ts'
import type {} from './discovery.ts'
import type {} from './metrics.ts'
import type {} from './tickets.ts'
import type {} from './vault.ts'

declare module 'fastify' {
  interface FastifyInstance {
    smartToken: Token
  }
}

export interface Token {
  /** The parameters for the front channel: those given, or a reference to them where they were pushed. */
  push(
    registration: Registration,
    server: AuthorizationServer,
    parameters: AuthorizationParameters,
  ): Promise<AuthorizationParameters>
  exchange(
    registration: Registration,
    server: AuthorizationServer,
    verified: { code: string; pending: PendingLaunch },
  ): Promise<TokenSet>
  /** A token good for this request, renewed ahead of its expiry. */
  accessToken(open: OpenSession): string | Promise<string>
  /** A newer token after the EHR refused the one at hand, or `upstream_unauthorized`. */
  renew(open: OpenSession): Promise<string>
  /** Revokes tokens that no session will use any more, behind the answer and where the EHR can. */
  discard(ehr: string, tokens: TokenSet): void
  /** Where the browser can end the EHR's own login session. */
  endSessionUrl(open: OpenSession): Promise<string | undefined>
}

export interface TokenOptions {
  registrations: readonly Registration[]
  /** This machine's time of day, for what the EHR judges by its own. */
  now: () => number
  /** The time of day that all instances share, by which tokens end; this machine's unless told. */
  sharedNow?: () => number
  /** Milliseconds by a clock that nobody sets. */
  steady?: () => number
  randomBytes: RandomBytes
  /** Milliseconds a token call may take at most; a renewal's lease lasts three times as long. */
  deadlineMs?: number
  /** Where the EHR sends the browser after its own logout; from configuration only. */
  postLogoutUrl?: string
}

const LOGOUT_PATIENCE_MS = 1_000
/** Longest wait for renewals and for the vault when the app closes. */
const DRAIN_MS = 20_000

async function token(app: FastifyInstance, options: TokenOptions): Promise<void> {
  const { now, sharedNow = now, randomBytes, deadlineMs = 10_000 } = options
  const { smartDiscovery: discovery, smartTickets: tickets, smartMetrics: metrics } = app
  const registrations = new Map(options.registrations.map(entry => [entry.id, entry]))
  const revocations = createRevocations({
    wait: milliseconds => wait(milliseconds, undefined, { ref: false }),
    async revoke(ehr, tokens) {
      const registration = registrationOf(ehr)
      if (!registration) return
      const server = await discovery.resolve(registration)
      const outcome = await revokeTokens(tokens, callFor(registration, server))
      if (outcome === 'failed') throw new Error('not all tokens were revoked')
    },
    onGivenUp: (ehr, error) => app.log.warn({ ehr, err: error }, 'tokens could not be revoked'),
  })
  const refresher = createRefresher({
    vault: app.smartVault,
    now: sharedNow,
    steady: options.steady ?? (() => performance.now()),
    deadlineMs,
    owner: Buffer.from(randomBytes(16)).toString('base64url'),
    random: Math.random,
    wait: milliseconds => wait(milliseconds, undefined, { ref: false }),
    replace: tickets.store.replace,
    reopen: tickets.store.reopen,
    async prepare(open) {
      const registration = requireRegistration(open)
      const call = callFor(registration, await discovery.resolve(registration))
      return () => refreshTokens(open.session.tokens, call)
    },
    end: ({ recordId, generation }) => tickets.store.end(recordId, generation),
    discard: (open, tokens) => revocations.begin(open.session.ehr, tokens),
    report: (outcome, open) => metrics.count(outcome, open.session.ehr),
  })

  app.decorate('smartToken', {
    push: (registration, server, parameters) =>
      pushAuthorizationRequest(parameters, callFor(registration, server)),
    exchange: (registration, server, verified) =>
      exchangeCode(verified, callFor(registration, server)),
    accessToken: refresher.accessToken,
    renew: refresher.renew,
    discard: revocations.begin,
    async endSessionUrl({ session }) {
      const registration = registrationOf(session.ehr)
      if (!registration) return undefined
      const server = await resolveSoon(registration)
      if (!server) return undefined
      return buildEndSessionUrl(server, registration, {
        idToken: session.tokens.idToken,
        postLogoutRedirectUri: options.postLogoutUrl,
      })
    },
  })

  // Before the network and the vault close: a refresh token that was sent must find its successor
  // stored, however busy the vault is, and a logout its revocation tried.
  app.addHook('onClose', async () => {
    const isStored = await within(
      DRAIN_MS,
      refresher.settled().then(() => true),
    )
    if (!isStored) app.log.error('renewed tokens could not be stored: their sessions will end')
    await within(LOGOUT_PATIENCE_MS, revocations.settled())
  })

  // Nobody's logout waits for an EHR that is down.
  async function resolveSoon(registration: Registration) {
    return await within(
      LOGOUT_PATIENCE_MS,
      discovery.resolve(registration).catch(() => undefined),
    )
  }

  function callFor(registration: Registration, server: AuthorizationServer): TokenCall {
    const { jwksUri } = server
    return {
      registration,
      server,
      now,
      sharedNow,
      randomBytes,
      deadlineMs,
      fetch: discovery.fetchFor(registration),
      keys: jwksUri === undefined ? undefined : discovery.keysFor(registration, jwksUri),
    }
  }

  function registrationOf(ehr: string): Registration | undefined {
    return registrations.get(ehr)
  }

  function requireRegistration({ session }: OpenSession): Registration {
    const registration = registrationOf(session.ehr)
    if (!registration) throw new Error('the session belongs to no registration')
    return registration
  }
}

export default fp(token, {
  name: 'fhirstorm-token',
  fastify: '5.x',
  decorators: { fastify: ['smartDiscovery', 'smartMetrics', 'smartTickets', 'smartVault'] },
})
