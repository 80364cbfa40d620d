// Routes: ending one session, or all of this browser's. The record goes first, so that the user is
// out whatever the EHR does; then the tokens are revoked where the EHR can (RFC 7009), and the answer
// names an address of ours that leads to the EHR's own logout where there is one: the id_token that the EHR
// wants to see there is no script's business. While the vault cannot be written the browser
// loses its tickets and the EHR is told all the same, and the answer is `logout_incomplete`.

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { BrokerError } from '../src/errors.ts'
import { aPublicUrl, judgeOptions, listOfBytes, requireParts } from '../src/plugin-terms.ts'
import { buildFarewellUrl, openFarewell } from '../src/session/farewell.ts'
import type { Left } from '../src/session/leaving.ts'
import type {} from './authorization-server.ts'
import type {} from './guard.ts'
import type {} from './pressure.ts'
import type {} from './renewal.ts'
import type {} from './tickets.ts'

export interface LogoutOptions {
  /** Public URL without a trailing slash. */
  publicUrl: string
  /** 32-byte keys that seal the EHR's address, the sealing one first. */
  keys: readonly Uint8Array[]
  now?: () => number
}

/** What a navigation is for; callers that are no browsers do not say. */
const PAGES = new Set<unknown>([undefined, 'document', 'iframe', 'frame'])

async function logout(app: FastifyInstance, options: LogoutOptions): Promise<void> {
  requireParts(app, 'logout', ['smartAuthorization', 'smartGuard', 'smartTickets', 'smartTokens'])
  const { smartAuthorization: authorization, smartTickets: tickets, smartTokens: tokens } = app
  judgeOptions('logout', options, { publicUrl: aPublicUrl, keys: listOfBytes })
  const { publicUrl, keys, now = Date.now } = options
  const onRequest = async (request: FastifyRequest) => app.smartGuard.check(request)

  app.delete(
    '/sessions/:id',
    { onRequest, config: { always: true } },
    async (request: FastifyRequest<{ Params: { id: string } }>, reply) => {
      const left = await tickets.leave(request, reply, request.params.id)
      return sayGoodbye(reply, [left], { endSessionUrl: (await giveBack(left)) ?? null })
    },
  )

  app.post('/logout', { onRequest, config: { always: true } }, async (request, reply) => {
    const left = await tickets.leaveAll(request, reply)
    const urls = await Promise.all(left.map(giveBack))
    return sayGoodbye(reply, left, { endSessionUrls: urls.filter(url => url !== undefined) })
  })

  app.get(
    '/logout/ehr',
    { config: { page: true, always: true }, exposeHeadRoute: false },
    async (request: FastifyRequest<{ Querystring: { to?: unknown } }>, reply) => {
      // A script that asks here could read where it was led.
      if (!PAGES.has(request.headers['sec-fetch-dest'])) throw new BrokerError('bad_request')
      const url = await openFarewell(request.query.to, { publicUrl, keys, now: now() })
      if (url === undefined) throw new BrokerError('bad_request')
      return reply.header('cache-control', 'no-store').redirect(url, 303)
    },
  )

  /** Revokes behind the answer; gives the way to the EHR's own logout. */
  async function giveBack({ open }: Left): Promise<string | undefined> {
    if (!open) return undefined
    tokens.discard(open.session.ehr, open.session.tokens)
    const url = await authorization.endSessionUrl(open.session)
    return url === undefined ? undefined : buildFarewellUrl(url, { publicUrl, keys, now: now() })
  }
}

function sayGoodbye(reply: FastifyReply, left: readonly Left[], members: object): FastifyReply {
  reply.headers({ 'cache-control': 'no-store', 'clear-site-data': '"cache"' })
  if (left.some(({ isEnded }) => !isEnded)) {
    throw new BrokerError('logout_incomplete', { members: { ...members } })
  }
  const cause = left.find(({ unrecorded }) => unrecorded)?.unrecorded
  if (cause) throw new BrokerError('audit_unavailable', { members: { ...members }, cause })
  return reply.send(members)
}

export default fp(logout, {
  name: 'fhirstorm-logout',
  fastify: '5.x',
  encapsulate: true,
})
