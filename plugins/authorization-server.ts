// Capability: the talk with an EHR's authorization server: pushed requests, the exchange of a code, the
// end of its own login. Credentials and tokens go from here to the EHR and nowhere else.

import { randomBytes as randomBytesOfNode } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import type { CallKind } from '../src/observer.ts'
import { within } from '../src/patience.ts'
import { aText, judgeOptions, listWith, optional, requireParts } from '../src/plugin-terms.ts'
import type { Session } from '../src/session/session.ts'
import { buildEndSessionUrl } from '../src/smart/identity/end-session.ts'
import type { AuthorizationParameters } from '../src/smart/launch/authorize.ts'
import { pushAuthorizationRequest } from '../src/smart/launch/pushed-authorization.ts'
import { exchangeCode, type TokenCall } from '../src/smart/token/token.ts'
import type {
  AuthorizationServer,
  PendingLaunch,
  RandomBytes,
  Registration,
  TokenSet,
} from '../src/smart/types.ts'
import type {} from './discovery.ts'
import type {} from './vault.ts'

declare module 'fastify' {
  interface FastifyInstance {
    smartAuthorization: Authorization
  }
}

export interface Authorization {
  /** The parameters for the front channel: those given, or a reference to them where they were pushed. */
  push(
    registration: Registration,
    server: AuthorizationServer,
    parameters: AuthorizationParameters,
  ): Promise<AuthorizationParameters>
  /** The tokens of a code that came back; rejects with the codes of a token answer. */
  exchange(
    registration: Registration,
    server: AuthorizationServer,
    verified: { code: string; pending: PendingLaunch },
  ): Promise<TokenSet>
  /** What a token call of this registration needs; rejects with the codes of discovery. */
  prepare(registration: Registration, kind?: CallKind): Promise<TokenCall>
  /** Where the browser can end the EHR's own login session. */
  endSessionUrl(session: Session): Promise<string | undefined>
}

export interface AuthorizationServerOptions {
  registrations: readonly Registration[]
  /** This machine's time of day, for what the EHR judges by its own; its clock unless told. */
  now?: () => number
  /** The time of day that all instances share, by which tokens end; the vault's where there is one. */
  sharedNow?: () => number
  /** Node's unless told. */
  randomBytes?: RandomBytes
  /** Milliseconds a token call may take at most. */
  deadlineMs?: number
  /** Where the EHR sends the browser after its own logout; from configuration only. */
  postLogoutUrl?: string
}

/** Nobody's logout waits longer for an EHR that is down. */
const LOGOUT_PATIENCE_MS = 1_000

async function authorizationServer(
  app: FastifyInstance,
  options: AuthorizationServerOptions,
): Promise<void> {
  requireParts(app, 'authorization-server', ['smartDiscovery'])
  judgeOptions('authorization-server', options, {
    registrations: listWith('id', 'iss'),
    postLogoutUrl: optional(aText),
  })
  const { now = Date.now, randomBytes = randomBytesOfNode, deadlineMs = 10_000 } = options
  const { sharedNow = app.hasDecorator('smartVault') ? app.smartVault.now : now } = options
  const { postLogoutUrl } = options
  const { smartDiscovery: discovery } = app
  const registrations = new Map(options.registrations.map(entry => [entry.id, entry]))

  app.decorate('smartAuthorization', {
    push: (registration, server, parameters) =>
      pushAuthorizationRequest(parameters, callFor(registration, server, 'pushed_request')),
    exchange: (registration, server, verified) =>
      exchangeCode(verified, callFor(registration, server, 'code')),
    prepare: async (registration, kind = 'renewal') =>
      callFor(registration, await discovery.resolve(registration), kind),
    async endSessionUrl({ ehr, tokens }) {
      const registration = registrations.get(ehr)
      if (!registration) return undefined
      const server = await within(
        LOGOUT_PATIENCE_MS,
        discovery.resolve(registration).catch(() => undefined),
      )
      if (!server) return undefined
      const { idToken } = tokens
      return buildEndSessionUrl(server, registration, {
        idToken,
        postLogoutRedirectUri: postLogoutUrl,
      })
    },
  })

  function callFor(
    registration: Registration,
    server: AuthorizationServer,
    kind: CallKind,
  ): TokenCall {
    const { jwksUri } = server
    return {
      ...{ registration, server, now, sharedNow, randomBytes, deadlineMs },
      fetch: discovery.fetchFor(registration, kind),
      keys: jwksUri === undefined ? undefined : discovery.keysFor(registration, jwksUri),
    }
  }
}

export default fp(authorizationServer, {
  name: 'fhirstorm-authorization-server',
  fastify: '5.x',
})
