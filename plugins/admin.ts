// Routes of the admin listener, on a port of its own: metrics, each EHR's state, sessions by hash and
// time, ending them, and what an operator may change while the process runs. Not for browsers: what comes
// from a page is refused, also from a page whose name has been made to lead here.

import type { FastifyInstance, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import type { DrainState } from '../src/drain.ts'
import { BrokerError } from '../src/errors.ts'
import type { GuessLimits } from '../src/guesses.ts'
import { defaultGuessLimits } from '../src/limits.ts'
import { callerOf } from '../src/network/address.ts'
import { createTokenGate } from '../src/network/token-gate.ts'
import { type Act, observerOf } from '../src/observer.ts'
import { type Choice, createRoster, parseChoice } from '../src/session/roster.ts'
import type { SessionStore } from '../src/session/store.ts'
import { isLoopbackHost } from '../src/smart/issuer.ts'
import type { Vault } from '../src/vault/vault.ts'
import type { EhrState } from './discovery.ts'

export interface AdminOptions {
  ehrs: readonly { id: string; name: string }[]
  store: Pick<SessionStore, 'find' | 'findToEnd' | 'endAll'>
  /** Where the records of the sessions lie. */
  vault: Pick<Vault, 'entries'>
  ehrStates: () => readonly EhrState[] | Promise<readonly EhrState[]>
  metricsText: () => Promise<string>
  /** Bearer token that callers must show; without one the listener is for loopback alone. */
  token?: string
  /** Reads the configuration anew; without it there is no such route. */
  reload?: () => Promise<{ ok: true } | { ok: false; faults: readonly object[] }>
  /** How much the log tells; without it there is no such route. */
  verbosity?: { read(): string; set(level: LogLevel): void | Promise<void> }
  /** Whether new logins are taken; without it there is no such route. */
  drain?: AdminDrain
  /** How often one address may be wrong about the token. */
  guesses?: GuessLimits
}

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

/** Whether new logins are taken, here and in whatever other process serves with this one. */
export interface AdminDrain {
  read(): DrainState
  begin(staysReady: boolean): DrainState | Promise<DrainState>
  end(): DrainState | Promise<DrainState>
}

type Asked = FastifyRequest<{ Querystring: Record<string, unknown> }>

async function admin(app: FastifyInstance, options: AdminOptions): Promise<void> {
  const { ehrs, store, vault, token, guesses: limits = defaultGuessLimits } = options
  const observer = observerOf(app)
  const roster = createRoster(ehrs, store, vault)
  const now = () => performance.now()
  const terms = { header: 'Authorization', prefix: 'Bearer ', limits, now }
  const gate = token === undefined ? undefined : createTokenGate(token, terms)

  app.addHook('onRequest', async request => {
    const { origin, 'sec-fetch-site': site } = request.headers
    if (origin !== undefined || site !== undefined) throw new BrokerError('cross_site')
    if (gate) gate(request)
    else if (!isLoopbackHost(request.hostname)) throw new BrokerError('unknown_host')
  })

  // RFC 9110, 15.5.2: a 401 says how to prove oneself.
  if (gate) {
    app.addHook('onSend', async (_request, reply) => {
      if (reply.statusCode === 401) reply.header('www-authenticate', 'Bearer realm="fhirstorm"')
    })
  }

  app.get('/metrics', async (_request, reply) => {
    return reply.type('text/plain; version=0.0.4; charset=utf-8').send(await options.metricsText())
  })

  app.get('/ehrs', async () => (await options.ehrStates()).map(tellEhrState))

  app.get('/sessions', async (request: Asked) => {
    const found = await roster.find(parseChoice(request.query))
    return (await roster.name(found)).map(({ ehr, record, user, lastUsedAt, expiresAt }) => ({
      ...{ ehr, record, user },
      lastUsedAt: new Date(lastUsedAt).toISOString(),
      expiresAt: new Date(expiresAt).toISOString(),
    }))
  })

  app.delete('/sessions', async (request: Asked) => {
    const choice = parseEnding(request.query)
    const found = await roster.findToEnd(choice)
    const told: (Promise<void> | undefined)[] = []
    if (found.length === 0) {
      told.push(tell(request, 'sessions_ended', { ehr: choice.ehr, sessions: 0 }))
    }
    let ended = 0
    let failure: unknown
    for (const ehr of new Set(found.map(one => one.ehr))) {
      const records = found.flatMap(one => (one.ehr === ehr ? [one.record] : []))
      const outcome = await store.endAll(records, 'operator', ehr)
      ended += outcome.ended
      told.push(tell(request, 'sessions_ended', { ehr, sessions: outcome.ended }))
      failure ??= outcome.failure
    }
    if (failure) throw failure
    await Promise.all(told)
    return { ended }
  })

  const { reload, verbosity, drain } = options
  if (reload) {
    app.post('/reload', async (request, reply) => {
      const outcome = await reload()
      await tell(request, outcome.ok ? 'reloaded' : 'reload_refused')
      return reply.code(outcome.ok ? 200 : 422).send(outcome)
    })
  }

  if (verbosity) {
    app.get('/log-level', async () => ({ level: verbosity.read() }))

    app.put('/log-level', async request => {
      const { level } = (request.body ?? {}) as { level?: unknown }
      const known = LOG_LEVELS.find(one => one === level)
      if (known === undefined) {
        throw new BrokerError('bad_request', { detail: `level is one of ${LOG_LEVELS.join(', ')}` })
      }
      await verbosity.set(known)
      await tell(request, `log_level_${known}`)
      return { level: verbosity.read() }
    })
  }

  if (drain) {
    app.get('/drain', async () => drain.read())

    app.post('/drain', async (request: Asked) => {
      const { ready = 'false', ...others } = request.query
      if (Object.keys(others).length > 0 || (ready !== 'true' && ready !== 'false')) {
        throw new BrokerError('bad_request', {
          detail: 'ready=true or ready=false, and nothing else',
        })
      }
      const state = await drain.begin(ready === 'true')
      await tell(request, 'drain_begun')
      return state
    })

    app.delete('/drain', async request => {
      const state = await drain.end()
      await tell(request, 'drain_ended')
      return state
    })
  }

  /** To be waited for before an act is acknowledged. */
  function tell(request: FastifyRequest, reason: string, more: Partial<Act> = {}) {
    return observer.tell({ act: 'administration', reason, ...more, ...callerOf(request) })
  }
}

/** Ending all sessions is said in so many words, and not by leaving everything out. */
function parseEnding(query: Readonly<Record<string, unknown>>): Choice {
  if (Object.keys(query).length === 0) {
    throw new BrokerError('bad_request', { detail: 'all=true ends all sessions' })
  }
  return parseChoice(query)
}

/** Its times in ISO 8601, as all that this listener tells. */
function tellEhrState({ discoveredAt, failure, traffic, ...state }: EhrState): object {
  const lastFailure = traffic?.lastFailure
  return {
    ...state,
    discoveredAt: tellTime(discoveredAt),
    failure: failure && { ...failure, at: tellTime(failure.at) },
    traffic: traffic && {
      ...traffic,
      lastSuccessAt: tellTime(traffic.lastSuccessAt),
      lastFailure: lastFailure && { ...lastFailure, at: tellTime(lastFailure.at) },
    },
  }
}

function tellTime(milliseconds: number | undefined): string | undefined {
  return milliseconds === undefined ? undefined : new Date(milliseconds).toISOString()
}

export default fp(admin, { name: 'fhirstorm-admin', fastify: '5.x', encapsulate: true })
