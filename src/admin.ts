// The admin listener beside the public one: its own server and port, fed by the decorators of the app.

import type { FastifyInstance } from 'fastify'
import adminRoutes from '../plugins/admin.ts'
import errors from '../plugins/errors.ts'
import metrics from '../plugins/metrics.ts'
import { createServer } from './server.ts'

export interface AdminServerOptions {
  host: string
  port: number
  token?: string
  ehrs: readonly { id: string; name: string }[]
}

/** Starts the admin listener; it must be closed before the app. */
export async function createAdminServer(
  app: FastifyInstance,
  { host, port, token, ehrs }: AdminServerOptions,
): Promise<FastifyInstance> {
  const admin = createServer({ logger: app.log, trustedProxies: [] })
  await admin.register(metrics)
  await admin.register(errors, { loginPath: '/', ehrNames: new Map(), frameAncestors: [] })
  await admin.register(adminRoutes, {
    ehrs,
    token,
    store: app.smartTickets.store,
    ehrStates: () => app.smartDiscovery.states(),
    metricsText: () => app.smartMetrics.text(),
  })
  await admin.listen({ host, port })
  return admin
}
