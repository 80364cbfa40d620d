// Routes: this browser's sessions as typed documents, and the EHRs one may log in at. Never a token.

import type { FastifyInstance, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { observerOf } from '../src/observer.ts'
import { aPublicUrl, judgeOptions, listWith, requireParts } from '../src/plugin-terms.ts'
import {
  buildSessionDocument,
  type DocumentOptions,
  type SessionDocument,
} from '../src/session/document.ts'
import { createLiveCount } from '../src/session/live-count.ts'
import type { OpenSession } from '../src/session/session.ts'
import { missingScopes } from '../src/smart/scope/scope-set.ts'
import type {} from './guard.ts'
import type {} from './session-store.ts'
import type {} from './tickets.ts'

export interface SessionsOptions extends Omit<DocumentOptions, 'missingScopes' | 'now'> {
  /** The EHRs to log in at; registrations will do. */
  ehrs: readonly { id: string; name: string; embedded: boolean }[]
}

async function sessions(app: FastifyInstance, options: SessionsOptions): Promise<void> {
  requireParts(app, 'sessions', ['smartGuard', 'smartTickets'])
  judgeOptions('sessions', options, { publicUrl: aPublicUrl, ehrs: listWith('id', 'name') })
  const rules = { ...options, missingScopes, now: app.smartVault.now }
  const noStore = { 'cache-control': 'no-store', vary: 'Cookie' }
  const ehrs = options.ehrs.map(({ id, name }) => ({ id, name }))
  const embedded = new Set(options.ehrs.filter(ehr => ehr.embedded).map(({ id }) => id))

  if (app.smartSessions) {
    const ids = ehrs.map(({ id }) => id)
    const count = createLiveCount(app.smartSessions, ids, () => performance.now())
    observerOf(app).show('fhirstorm_sessions_live', count)
  }

  app.addHook('onRequest', async request => app.smartGuard.check(request))

  app.get('/ehrs', async (_request, reply) => reply.headers(noStore).send(ehrs))

  app.get('/sessions', async (request, reply) => {
    const { live, dead } = await app.smartTickets.openAll(request)
    for (const { id, ehr } of dead) app.smartTickets.clear(reply, id, ehr)
    return reply.headers(noStore).send(live.map(open => describe(request, open)))
  })

  app.get(
    '/sessions/:id',
    async (request: FastifyRequest<{ Params: { id: string }; Querystring: Query }>, reply) => {
      const slide = request.query.slide !== 'false'
      const open = await app.smartTickets.open(request, request.params.id, { slide })
      return reply.headers(noStore).send(describe(request, open))
    },
  )

  function describe(request: FastifyRequest, open: OpenSession): SessionDocument {
    if (embedded.has(open.session.ehr)) app.smartGuard.check(request, { embedded: true })
    return buildSessionDocument(open, rules)
  }
}

interface Query {
  slide?: string
}

export default fp(sessions, {
  name: 'fhirstorm-sessions',
  fastify: '5.x',
  encapsulate: true,
})
