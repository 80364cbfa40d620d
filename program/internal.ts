// The internal listener: a socket or port for the app's own servers and the proxy before them, never for
// browsers. It opens when the app is ready and closes with it.

import { chmod, unlink } from 'node:fs/promises'
import { connect } from 'node:net'
import type { FastifyInstance } from 'fastify'
import errors from '../plugins/errors.ts'
import metrics from '../plugins/metrics.ts'
import verify, { type VerifyOptions } from '../plugins/verify.ts'
import { BrokerError } from '../src/errors.ts'
import { isSecret } from '../src/strength.ts'
import { createServer } from './server.ts'

export interface InternalListenerOptions {
  place: { socket: string } | { host: string; port: number }
  /** Bearer token that callers must show. */
  token?: string
  verify: Omit<VerifyOptions, 'guard' | 'tickets'>
}

/** Opens the internal listener with the app. */
export async function internalListener(
  app: FastifyInstance,
  { place, token, verify: options }: InternalListenerOptions,
): Promise<void> {
  const internal = createServer({ logger: app.log, trustedProxies: [] })
  await internal.register(metrics)
  await internal.register(errors, { loginPath: '/', ehrNames: new Map(), frameAncestors: [] })
  if (token !== undefined) {
    internal.addHook('onRequest', async ({ headers }) => {
      if (!isSecret(headers['fhirstorm-token'], token)) throw new BrokerError('session_invalid')
    })
  }
  const { smartGuard: guard, smartTickets: tickets } = app
  await internal.register(verify, { ...options, guard, tickets })
  internal.get('/healthz', async () => ({ status: 'ok' }))
  app.addHook('onReady', async () => {
    if (!('socket' in place)) return void (await internal.listen(place))
    await removeStale(place.socket)
    await internal.listen({ path: place.socket })
    // For its own user and group: whoever may write to it may ask who calls.
    await chmod(place.socket, 0o660)
  })
  app.addHook('onClose', async () => {
    await internal.close()
  })
}

/** A socket that a process left behind when it was killed; one that answers stays. */
async function removeStale(path: string): Promise<void> {
  const code = await new Promise<string | undefined>(resolve => {
    const asked = connect(path)
    asked
      .on('connect', () => resolve(undefined))
      .on('error', error => {
        resolve((error as NodeJS.ErrnoException).code)
      })
    asked.on('connect', () => asked.destroy())
  })
  if (code === 'ECONNREFUSED') await unlink(path)
}
