// Route: OpenID Connect Back-Channel Logout 1.0. The EHR names a session (`sid`) or a user (`sub`) in a
// signed token; sessions of that one registration end here at once. An unknown issuer causes no fetch.
// 204 says that all of them have ended; until then the same token may be sent again.

import { hash } from 'node:crypto'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { BrokerError, namingEhr } from '../src/errors.ts'
import { readForm } from '../src/form.ts'
import { callerOf } from '../src/network/address.ts'
import { type Act, observerOf } from '../src/observer.ts'
import { judgeOptions, listWith, requireParts } from '../src/plugin-terms.ts'
import { listSpellings } from '../src/smart/identity/id-token.ts'
import {
  type LogoutToken,
  readAddress,
  verifyLogoutToken,
} from '../src/smart/identity/logout-token.ts'
import type { Registration } from '../src/smart/types.ts'
import type {} from './discovery.ts'
import type {} from './pressure.ts'
import type {} from './session-store.ts'
import type {} from './vault.ts'

export interface BackchannelLogoutOptions {
  registrations: readonly Registration[]
  /** This machine's time of day, as the EHR's; its clock unless told. */
  now?: () => number
  /** For @fastify/rate-limit, where the app has it. */
  rateLimit?: { max: number; timeWindow: number }
}

const MAX_BODY_BYTES = 16 * 1024

async function backchannelLogout(
  app: FastifyInstance,
  options: BackchannelLogoutOptions,
): Promise<void> {
  requireParts(app, 'backchannel-logout', ['smartDiscovery', 'smartSessions', 'smartVault'])
  judgeOptions('backchannel-logout', options, { registrations: listWith('id', 'iss') })
  const { smartDiscovery: discovery, smartSessions: sessions, smartVault: vault } = app
  const { now = Date.now } = options
  const observer = observerOf(app)

  app.removeAllContentTypeParsers()
  app.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string', bodyLimit: MAX_BODY_BYTES },
    (_request, body, done) => done(null, body),
  )

  app.post(
    '/backchannel-logout',
    { config: { rateLimit: options.rateLimit, always: true }, bodyLimit: MAX_BODY_BYTES },
    async (request: FastifyRequest, reply) => {
      const text = readToken(request.body)
      const asked = callerOf(request)
      const candidates = findCandidates(text)
      const outcomes = await Promise.allSettled(
        candidates.map(entry => namingEhr(entry.id, () => endNamed(text, entry, asked))),
      )
      const reasons = outcomes.flatMap(outcome =>
        outcome.status === 'rejected' ? [outcome.reason] : [],
      )
      const failed = reasons.find(reason => !isInvalid(reason))
      if (failed) throw failed
      if (reasons.length === outcomes.length) {
        throw (
          reasons[0] ?? new BrokerError('logout_token_invalid', { detail: 'of no registration' })
        )
      }
      return reply.code(204).header('cache-control', 'no-store').send()
    },
  )

  // Only an issuer on a registered EHR's own origins is worth asking for its keys, and only where the
  // token is for us.
  function findCandidates(text: string): Registration[] {
    const address = readAddress(text)
    if (!address || !URL.canParse(address.iss)) return []
    const { iss, audience } = address
    const { origin } = new URL(iss)
    return options.registrations.filter(
      ({ clientId, issuers, origins }) =>
        audience.includes(clientId) && (issuers.includes(iss) || origins.includes(origin)),
    )
  }

  // The token counts as used when everything is done, so that after a failure it can be sent again.
  async function endNamed(
    text: string,
    registration: Registration,
    asked: Pick<Act, 'caller' | 'requestId'>,
  ): Promise<void> {
    const ehr = registration.id
    const logout = await verify(text, registration)
    const used = buildUsedKey(registration, logout)
    if (await vault.isTaken(used)) {
      throw new BrokerError('logout_token_invalid', { ehr, detail: 'sent before' })
    }
    const found = await findSessions(registration, logout)
    const { ended, failure } = await sessions.endAll(
      found.map(({ id }) => id),
      'ehr',
      ehr,
    )
    const recorded = observer.tell({ act: 'logout', ehr, reason: 'ehr', sessions: ended, ...asked })
    for (let i = 0; i < ended; i++) observer.count('logged_out', registration.id)
    if (failure) throw failure
    await recorded
    await vault.take(used, logout.expiresAt)
  }

  async function findSessions(registration: Registration, { iss, sid, sub = '' }: LogoutToken) {
    const [kind, name] = sid === undefined ? (['sub', sub] as const) : (['sid', sid] as const)
    const found = listSpellings(iss, registration).map(issuer =>
      sessions.findToEnd(kind, registration.id, issuer, name),
    )
    return (await Promise.all(found)).flat()
  }

  async function verify(text: string, registration: Registration) {
    const server = await discovery.resolve(registration)
    const { jwksUri } = server
    const keys = jwksUri === undefined ? undefined : discovery.keysFor(registration, jwksUri)
    return await verifyLogoutToken(text, { registration, server, keys, now })
  }
}

function isInvalid(reason: unknown): boolean {
  return reason instanceof BrokerError && reason.code === 'logout_token_invalid'
}

// Of each registration its own; hashed, because its text is the EHR's.
function buildUsedKey({ id }: Registration, { iss, jti }: LogoutToken): string {
  return `logout-${hash('sha256', JSON.stringify([id, iss, jti]), 'base64url')}`
}

function readToken(body: unknown): string {
  const tokens: string[] = []
  for (const [name, value] of readForm(typeof body === 'string' ? body : '')) {
    if (name === 'logout_token') tokens.push(value)
  }
  const [token] = tokens
  if (tokens.length !== 1 || !token) throw new BrokerError('logout_token_invalid')
  return token
}

export default fp(backchannelLogout, {
  name: 'fhirstorm-backchannel-logout',
  fastify: '5.x',
  encapsulate: true,
})
