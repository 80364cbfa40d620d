// Routes: ending one session, or all of this browser's. The record goes first, so that the user is
// out whatever the EHR does; then the tokens are revoked where the EHR can (RFC 7009), and the answer
// names the EHR's end-session URL where there is one. While the vault cannot be written the browser
// loses its tickets and the EHR is told all the same, and the answer is `logout_incomplete`.

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { BrokerError } from '../src/errors.ts'
import { requireParts } from '../src/plugin-terms.ts'
import type { Left } from '../src/session/leaving.ts'
import type {} from './authorization-server.ts'
import type {} from './guard.ts'
import type {} from './renewal.ts'
import type {} from './tickets.ts'

async function logout(app: FastifyInstance): Promise<void> {
  requireParts(app, 'logout', ['smartAuthorization', 'smartGuard', 'smartTickets', 'smartTokens'])
  const { smartAuthorization: authorization, smartTickets: tickets, smartTokens: tokens } = app
  app.addHook('onRequest', async request => app.smartGuard.check(request))

  app.delete(
    '/sessions/:id',
    async (request: FastifyRequest<{ Params: { id: string } }>, reply) => {
      const left = await tickets.leave(request, reply, request.params.id)
      return sayGoodbye(reply, [left], { endSessionUrl: (await giveBack(left)) ?? null })
    },
  )

  app.post('/logout', async (request, reply) => {
    const left = await tickets.leaveAll(request, reply)
    const urls = await Promise.all(left.map(giveBack))
    return sayGoodbye(reply, left, { endSessionUrls: urls.filter(url => url !== undefined) })
  })

  /** Revokes behind the answer; gives the EHR's end-session URL. */
  async function giveBack({ open }: Left): Promise<string | undefined> {
    if (!open) return undefined
    tokens.discard(open.session.ehr, open.session.tokens)
    return await authorization.endSessionUrl(open.session)
  }
}

function sayGoodbye(reply: FastifyReply, left: readonly Left[], members: object): FastifyReply {
  reply.headers({ 'cache-control': 'no-store', 'clear-site-data': '"cache"' })
  if (left.some(({ isEnded }) => !isEnded)) {
    throw new BrokerError('logout_incomplete', { members: { ...members } })
  }
  return reply.send(members)
}

export default fp(logout, {
  name: 'fhirstorm-logout',
  fastify: '5.x',
  encapsulate: true,
})
