// Routes: ending one session, or all of this browser's. The record goes first, so that the user is
// out whatever the EHR does; then the tokens are revoked where the EHR can (RFC 7009), and the answer
// names the EHR's end-session URL where there is one.

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import type { OpenSession } from '../src/session/session.ts'
import type {} from './guard.ts'
import type {} from './tickets.ts'
import type {} from './token.ts'

async function logout(app: FastifyInstance): Promise<void> {
  app.addHook('onRequest', async request => app.smartGuard.check(request))

  app.delete(
    '/sessions/:id',
    async (request: FastifyRequest<{ Params: { id: string } }>, reply) => {
      const open = await app.smartTickets.open(request, request.params.id, { slide: false })
      const endSessionUrl = await end(open, reply)
      return sayGoodbye(reply).send({ endSessionUrl: endSessionUrl ?? null })
    },
  )

  app.post('/logout', async (request, reply) => {
    const { live, dead } = await app.smartTickets.openAll(request)
    for (const { id, ehr } of dead) app.smartTickets.clear(reply, id, ehr)
    const urls = await Promise.all(live.map(open => end(open, reply)))
    return sayGoodbye(reply).send({ endSessionUrls: urls.filter(url => url !== undefined) })
  })

  async function end(open: OpenSession, reply: FastifyReply): Promise<string | undefined> {
    await app.smartTickets.end(open)
    app.smartTickets.clear(reply, open.session.id, open.session.ehr)
    app.smartToken.discard(open.session.ehr, open.session.tokens)
    return await app.smartToken.endSessionUrl(open)
  }
}

function sayGoodbye(reply: FastifyReply): FastifyReply {
  return reply.headers({ 'cache-control': 'no-store', 'clear-site-data': '"cache"' })
}

export default fp(logout, {
  name: 'fhirstorm-logout',
  fastify: '5.x',
  encapsulate: true,
  decorators: { fastify: ['smartGuard', 'smartTickets', 'smartToken'] },
})
