// The internal listener: a socket or port for the app's own servers and the proxy before them, never for
// browsers. It opens when the app is ready and closes with it.

import { chmod } from 'node:fs/promises'
import type { FastifyInstance } from 'fastify'
import errors from '../plugins/errors.ts'
import type {} from '../plugins/metrics.ts'
import verify, { type VerifyOptions } from '../plugins/verify.ts'
import type { GuessLimits } from '../src/guesses.ts'
import { defaultGuessLimits } from '../src/limits.ts'
import { createTokenGate } from '../src/network/token-gate.ts'
import type { Place } from './front.ts'
import type { OpenListener } from './fronts.ts'
import { createServer } from './server.ts'
import { removeStale, SOCKET_MODE } from './socket-file.ts'

export interface InternalListenerOptions {
  place: { socket: string } | { host: string; port: number }
  /** Bearer token that callers must show. */
  token?: string
  /** How often one address may be wrong about it. */
  guesses?: GuessLimits
  verify: Omit<VerifyOptions, 'guard' | 'tickets'>
  /** Opens it in place of listening by itself. */
  open?: OpenListener
}

/** The place and the token of a configuration. */
export function splitToken(
  internal: { socket: string } | { host: string; port: number; token?: string },
): Pick<InternalListenerOptions, 'place' | 'token'> {
  if ('socket' in internal) return { place: internal }
  const { token, ...place } = internal
  return { place, token }
}

/** Opens the internal listener with the app. */
export async function internalListener(
  app: FastifyInstance,
  { place, token, guesses = defaultGuessLimits, verify: options, open }: InternalListenerOptions,
): Promise<void> {
  const isBehindFront = open !== undefined
  const internal = createServer({ logger: app.log, trustedProxies: [], isBehindFront })
  // Counted with the rest, so that operators see it.
  internal.decorate('smartMetrics', app.smartMetrics)
  await internal.register(errors, { loginPath: '/', ehrNames: new Map(), frameAncestors: [] })
  if (token !== undefined) {
    const now = () => performance.now()
    const terms = { header: 'Fhirstorm-Token', limits: guesses, now }
    const gate = createTokenGate(token, terms)
    internal.addHook('onRequest', async request => gate(request))
  }
  const { smartGuard: guard, smartTickets: tickets } = app
  await internal.register(verify, { ...options, guard, tickets })
  internal.get('/healthz', async () => ({ status: 'ok' }))
  app.addHook('onReady', async () => {
    const where = 'socket' in place ? { path: place.socket } : place
    if (open === undefined) return void (await listen(internal, where))
    await internal.ready()
    open('internal', internal, where)
  })
  app.addHook('onClose', async () => {
    await internal.close()
  })
}

/** Listens by itself; a socket is for its own user and group: whoever may write to it may ask who calls. */
async function listen(server: FastifyInstance, where: Place): Promise<void> {
  if ('path' in where) await removeStale(where.path)
  await server.listen(where)
  if ('path' in where) await chmod(where.path, SOCKET_MODE)
}
