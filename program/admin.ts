// The admin listener beside the public one: its own server and port, fed by the decorators of the app.
// It opens when the app is ready and closes with it.

import type { FastifyInstance } from 'fastify'
import adminRoutes, { type AdminOptions } from '../plugins/admin.ts'
import errors from '../plugins/errors.ts'
import metrics from '../plugins/metrics.ts'
import type { OpenListener } from './fronts.ts'
import { createServer } from './server.ts'

export interface AdminListenerOptions {
  host: string
  port: number
  /** Bearer token that callers must show. */
  token?: string
  ehrs: readonly { id: string; name: string }[]
  /** Reads the configuration anew, where the process can. */
  reload?: AdminOptions['reload']
  /** What else an operator may change while the process runs. */
  verbosity?: AdminOptions['verbosity']
  drain?: AdminOptions['drain']
  /** In place of what this process has measured. */
  metricsText?: AdminOptions['metricsText']
  /** In place of what this process knows of the EHRs. */
  ehrStates?: AdminOptions['ehrStates']
  guesses?: AdminOptions['guesses']
  /** Opens it in place of listening by itself. */
  open?: OpenListener
}

/** Opens the admin listener with the app. */
export async function adminListener(
  app: FastifyInstance,
  { host, port, open, metricsText, ehrStates, ...options }: AdminListenerOptions,
): Promise<void> {
  const isBehindFront = open !== undefined
  // Some of its routes have the names of the app's.
  const logger = app.log.child({ listener: 'admin' })
  const admin = createServer({ logger, trustedProxies: [], isBehindFront })
  await admin.register(metrics)
  // Its acts are the app's, and go wherever those of the app go.
  admin.smartMetrics.tell = act => app.smartMetrics.tell(act)
  await admin.register(errors, { loginPath: '/', ehrNames: new Map(), frameAncestors: [] })
  await admin.register(adminRoutes, {
    ...options,
    store: app.smartSessions,
    vault: app.smartVault,
    ehrStates: ehrStates ?? (() => app.smartDiscovery.states()),
    metricsText: metricsText ?? (() => app.smartMetrics.text()),
  })
  app.addHook('onReady', async () => {
    if (open === undefined) return void (await admin.listen({ host, port }))
    await admin.ready()
    open('admin', admin, { host, port })
  })
  app.addHook('onClose', async () => {
    await admin.close()
  })
}
