// Route: OpenID Connect Back-Channel Logout 1.0. The EHR names a session (`sid`) or a user (`sub`) in a
// signed token; its sessions end here at once, at each registration for which the token holds. An unknown
// issuer causes no fetch. 204 says that all of them have ended; until then the same token may be sent
// again. It holds by one registration: another that cannot check it now matters only by its sessions.

import { hash } from 'node:crypto'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { BrokerError, namingEhr } from '../src/errors.ts'
import { readForm } from '../src/form.ts'
import { callerOf } from '../src/network/address.ts'
import { type Act, observerOf } from '../src/observer.ts'
import { judgeOptions, listWith, requireParts } from '../src/plugin-terms.ts'
import { listIssuers } from '../src/smart/identity/id-token.ts'
import {
  type LogoutToken,
  readAddress,
  verifyLogoutToken,
} from '../src/smart/identity/logout-token.ts'
import { listSpellings } from '../src/smart/issuer.ts'
import type { AuthorizationServer, Registration } from '../src/smart/types.ts'
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
      const checked = await checkAll(text)
      const ended = await Promise.allSettled(
        checked.map(each => namingEhr(each.registration.id, () => endNamed(each, checked, asked))),
      )
      const reasons = ended.flatMap(each => (each.status === 'rejected' ? [each.reason] : []))
      // The same whichever of them comes first: what is worth another try with its Retry-After.
      const failures = reasons.filter(reason => !isInvalid(reason))
      const failed = failures.find(reason => reason.retryAfterSeconds !== undefined) ?? failures[0]
      if (failed) throw failed
      const isDone = ended.some(each => each.status === 'fulfilled' && each.value)
      if (!isDone) {
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

  // Each registration judges for itself. Where its keys are away, those that another one has from the
  // same address are the same keys.
  async function checkAll(text: string): Promise<Checked[]> {
    const checked = await Promise.all(findCandidates(text).map(entry => check(text, entry)))
    return await Promise.all(
      checked.map(async each => {
        const { server, registration } = each
        const lender = isUnknown(each) && findLender(checked, server?.jwksUri)
        return lender ? await check(text, registration, lender) : each
      }),
    )
  }

  async function check(
    text: string,
    registration: Registration,
    lender = registration,
  ): Promise<Checked> {
    let server: AuthorizationServer | undefined
    try {
      server = await discovery.resolve(registration)
      // Before its keys are asked for: a neighbour's token must not cost a look at them.
      const iss = readAddress(text)?.iss ?? ''
      if (!listIssuers(registration, server).includes(iss)) {
        throw new BrokerError('logout_token_invalid', { detail: 'iss' })
      }
      const { jwksUri } = server
      const keys = jwksUri === undefined ? undefined : discovery.keysFor(lender, jwksUri)
      const logout = await verifyLogoutToken(text, { registration, server, keys, now })
      return { registration, server, logout }
    } catch (refusal) {
      return { registration, server, refusal }
    }
  }

  // True when all that the token names here has ended by it. It counts as used when everything is done,
  // so that after a failure it can be sent again.
  async function endNamed(
    { registration, logout, refusal }: Checked,
    checked: readonly Checked[],
    asked: Pick<Act, 'caller' | 'requestId'>,
  ): Promise<boolean> {
    const ehr = registration.id
    if (!logout) {
      const known = isInvalid(refusal) ? undefined : checked.find(each => each.logout)?.logout
      // It holds elsewhere: here it is missed only by a session that it may mean.
      if (known && (await findSessions(registration, known)).length === 0) return false
      throw refusal
    }
    const used = buildUsedKey(registration, logout)
    if (await vault.isTaken(used)) {
      throw new BrokerError('logout_token_invalid', { ehr, detail: 'sent before' })
    }
    await noteOver(registration, logout)
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
    return true
  }

  // A login whose code is being exchanged has no session yet, and must not begin one when this is answered.
  async function noteOver(registration: Registration, { iss, sid }: LogoutToken): Promise<void> {
    if (sid === undefined) return
    const issuers = listSpellings(iss, registration)
    await Promise.all(issuers.map(each => sessions.noteLoginOver(registration.id, each, sid)))
  }

  // A session that was told no `sid` at its login may be the one that is meant, so it ends with its user.
  async function findSessions(registration: Registration, { iss, sid, sub }: LogoutToken) {
    const named: [kind: 'sid' | 'sub' | 'sub-alone', name: string][] = []
    if (sid !== undefined) named.push(['sid', sid])
    if (sub !== undefined) named.push([sid === undefined ? 'sub' : 'sub-alone', sub])
    const found = listSpellings(iss, registration).flatMap(issuer =>
      named.map(([kind, name]) => sessions.findToEnd(kind, registration.id, issuer, name)),
    )
    return (await Promise.all(found)).flat()
  }
}

/** A token before one registration: what it says there, or why it does not hold or cannot be checked. */
interface Checked {
  registration: Registration
  server?: AuthorizationServer
  logout?: LogoutToken
  refusal?: unknown
}

function isUnknown({ logout, refusal }: Checked): boolean {
  return !logout && !isInvalid(refusal)
}

function findLender(checked: readonly Checked[], jwksUri: string | undefined) {
  if (jwksUri === undefined) return undefined
  return checked.find(({ logout, server }) => logout && server?.jwksUri === jwksUri)?.registration
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
