// Route: OpenID Connect Back-Channel Logout 1.0. The EHR names a session (`sid`) or a user (`sub`) in a
// signed token; sessions of that one registration end here at once. An unknown issuer causes no fetch.

import type { FastifyInstance, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { BrokerError } from '../src/errors.ts'
import { readIssuer, verifyLogoutToken } from '../src/smart/logout-token.ts'
import type { Registration } from '../src/smart/types.ts'
import type {} from './discovery.ts'
import type {} from './metrics.ts'
import type {} from './tickets.ts'
import type {} from './vault.ts'

export interface BackchannelLogoutOptions {
  registrations: readonly Registration[]
  now: () => number
  /** For @fastify/rate-limit, where the app has it. */
  rateLimit?: { max: number; timeWindow: number }
}

const MAX_BODY_BYTES = 16 * 1024

async function backchannelLogout(
  app: FastifyInstance,
  options: BackchannelLogoutOptions,
): Promise<void> {
  const { smartDiscovery: discovery, smartTickets: tickets, smartVault: vault } = app

  app.removeAllContentTypeParsers()
  app.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string', bodyLimit: MAX_BODY_BYTES },
    (_request, body, done) => done(null, new URLSearchParams(body as string)),
  )

  app.post(
    '/backchannel-logout',
    { config: { rateLimit: options.rateLimit }, bodyLimit: MAX_BODY_BYTES },
    async (request: FastifyRequest, reply) => {
      const text = readToken(request.body)
      const endings = await Promise.allSettled(findCandidates(text).map(entry => end(text, entry)))
      if (!endings.some(ending => ending.status === 'fulfilled' && ending.value)) {
        throw chooseFailure(endings)
      }
      return reply.code(204).header('cache-control', 'no-store').send()
    },
  )

  // Only an issuer on a registered EHR's own origins is worth asking for its keys.
  function findCandidates(text: string): Registration[] {
    const iss = readIssuer(text)
    if (iss === undefined || !URL.canParse(iss)) return []
    const { origin } = new URL(iss)
    return options.registrations.filter(
      ({ issuers, origins }) => issuers.includes(iss) || origins.includes(origin),
    )
  }

  async function end(text: string, registration: Registration): Promise<boolean> {
    const logout = await verify(text, registration)
    if (!logout) return false
    const { iss, sid, sub = '', jti, expiresAt } = logout
    // Found before the token counts as used: when the vault is down, the EHR may try again.
    const found =
      sid === undefined
        ? await tickets.store.find('sub', registration.id, iss, sub)
        : await tickets.store.find('sid', registration.id, iss, sid)
    if (!(await vault.take(`logout-${registration.id}-${jti}`, expiresAt))) return false
    await Promise.all(
      found.map(async ({ id }) => {
        if (await tickets.store.end(id)) app.smartMetrics.count('logged_out', registration.id)
      }),
    )
    return true
  }

  async function verify(text: string, registration: Registration) {
    try {
      const server = await discovery.resolve(registration)
      const { jwksUri } = server
      const keys = jwksUri === undefined ? undefined : discovery.keysFor(registration, jwksUri)
      return await verifyLogoutToken(text, { registration, server, keys, now: options.now })
    } catch (error) {
      if (error instanceof BrokerError && error.code === 'logout_token_invalid') return undefined
      throw error
    }
  }
}

// Where one registration cannot be asked for its keys, the EHR is told so, and may try again.
function chooseFailure(endings: readonly PromiseSettledResult<boolean>[]): unknown {
  const failed = endings.find(ending => ending.status === 'rejected')
  return failed ? failed.reason : new BrokerError('logout_token_invalid')
}

function readToken(body: unknown): string {
  const tokens = body instanceof URLSearchParams ? body.getAll('logout_token') : []
  const [token] = tokens
  if (tokens.length !== 1 || !token) throw new BrokerError('logout_token_invalid')
  return token
}

export default fp(backchannelLogout, {
  name: 'fhirstorm-backchannel-logout',
  fastify: '5.x',
  encapsulate: true,
  decorators: { fastify: ['smartDiscovery', 'smartMetrics', 'smartTickets', 'smartVault'] },
})
