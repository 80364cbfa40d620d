// Routes of the admin listener, on a port of its own: metrics, each EHR's state, sessions by hash and
// time, and ending them by EHR, by user, or all. Not for browsers: what comes from a page is refused,
// also from a page whose name has been made to lead here.

import type { FastifyInstance, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { BrokerError } from '../src/errors.ts'
import type { GuessLimits } from '../src/guesses.ts'
import { defaultGuessLimits } from '../src/limits.ts'
import { groupAddress } from '../src/network/address.ts'
import { createTokenGate } from '../src/network/token-gate.ts'
import { observerOf } from '../src/observer.ts'
import type { SessionStore } from '../src/session/store.ts'
import { isLoopbackHost } from '../src/smart/issuer.ts'

export interface AdminOptions {
  ehrs: readonly { id: string; name: string }[]
  store: Pick<SessionStore, 'find' | 'endAll'>
  /** State of each EHR's discovery, ready to be shown. */
  ehrStates: () => readonly object[]
  metricsText: () => Promise<string>
  /** Bearer token that callers must show; without one the listener is for loopback alone. */
  token?: string
  /** Reads the configuration anew; without it there is no such route. */
  reload?: () => Promise<{ ok: true } | { ok: false; faults: readonly object[] }>
  /** How often one address may be wrong about it. */
  guesses?: GuessLimits
}

interface Selection {
  Querystring: { ehr?: string; iss?: string; sub?: string; all?: string }
}

async function admin(app: FastifyInstance, options: AdminOptions): Promise<void> {
  const { ehrs, store, token, guesses: limits = defaultGuessLimits } = options
  const observer = observerOf(app)
  const now = () => performance.now()
  const terms = { header: 'Authorization', prefix: 'Bearer ', limits, now }
  const gate = token === undefined ? undefined : createTokenGate(token, terms)

  app.addHook('onRequest', async request => {
    const { origin, 'sec-fetch-site': site } = request.headers
    if (origin !== undefined || site !== undefined) throw new BrokerError('cross_site')
    if (gate) gate(request)
    else if (!isLoopbackHost(request.hostname)) throw new BrokerError('unknown_host')
  })

  app.get('/metrics', async (_request, reply) => {
    return reply.type('text/plain; version=0.0.4; charset=utf-8').send(await options.metricsText())
  })

  app.get('/ehrs', async () => options.ehrStates())

  app.get('/sessions', async (request: FastifyRequest<Selection>) => {
    const asked = request.query.ehr === undefined ? ehrs : [requireEhr(request.query.ehr)]
    const lists = await Promise.all(
      asked.map(async ({ id }) =>
        (await store.find('ehr', id)).map(head => ({
          ehr: id,
          record: head.id,
          lastUsedAt: new Date(head.lastUsedAt).toISOString(),
          expiresAt: new Date(head.expiresAt).toISOString(),
        })),
      ),
    )
    return lists.flat()
  })

  app.delete('/sessions', async (request: FastifyRequest<Selection>) => {
    let ended = 0
    let failure: unknown
    for (const { ehr, ids } of await select(request.query)) {
      const outcome = await store.endAll(ids, 'operator', ehr)
      ended += outcome.ended
      observer.tell({
        ...{ act: 'administration', ehr, reason: 'sessions_ended', sessions: outcome.ended },
        ...{ caller: groupAddress(request.ip), requestId: request.id },
      })
      failure ??= outcome.failure
    }
    if (failure) throw failure
    return { ended }
  })

  const { reload } = options
  if (reload) {
    app.post('/reload', async (_request, reply) => {
      const outcome = await reload()
      return reply.code(outcome.ok ? 200 : 422).send(outcome)
    })
  }

  async function select(
    query: Selection['Querystring'],
  ): Promise<{ ehr: string; ids: string[] }[]> {
    const { ehr, iss, sub, all } = query
    if (Object.values(query).some(value => typeof value !== 'string')) {
      throw new BrokerError('bad_request')
    }
    if (ehr !== undefined && iss !== undefined && sub !== undefined) {
      const found = await store.find('sub', requireEhr(ehr).id, iss, sub)
      return [{ ehr, ids: found.map(({ id }) => id) }]
    }
    if (iss !== undefined || sub !== undefined) throw new BrokerError('bad_request')
    if (ehr === undefined && all !== 'true') throw new BrokerError('bad_request')
    const chosen = ehr === undefined ? ehrs : [requireEhr(ehr)]
    return await Promise.all(
      chosen.map(async ({ id }) => {
        const found = await store.find('ehr', id)
        return { ehr: id, ids: found.map(head => head.id) }
      }),
    )
  }

  function requireEhr(id: string) {
    const found = ehrs.find(ehr => ehr.id === id)
    if (!found) throw new BrokerError('unknown_ehr')
    return found
  }
}

export default fp(admin, { name: 'fhirstorm-admin', fastify: '5.x', encapsulate: true })
