// fhirstorm, as a server of its own or as one Fastify plugin: first what every request meets, then what
// the flow needs, then the routes in the order a user meets them. Each plugin also stands alone in an
// app of your own.

import type { FastifyInstance } from 'fastify'
import audit from '../plugins/audit.ts'
import authorizationServer from '../plugins/authorization-server.ts'
import backchannelLogout from '../plugins/backchannel-logout.ts'
import callback from '../plugins/callback.ts'
import contract from '../plugins/contract.ts'
import cookies from '../plugins/cookies.ts'
import discovery from '../plugins/discovery.ts'
import errors from '../plugins/errors.ts'
import facade from '../plugins/facade.ts'
import facadeDocuments from '../plugins/facade-documents.ts'
import frontend from '../plugins/frontend.ts'
import guard from '../plugins/guard.ts'
import health from '../plugins/health.ts'
import jwks from '../plugins/jwks.ts'
import launch from '../plugins/launch.ts'
import limits from '../plugins/limits.ts'
import logout from '../plugins/logout.ts'
import metrics from '../plugins/metrics.ts'
import pressure from '../plugins/pressure.ts'
import proxy from '../plugins/proxy.ts'
import readAnswers from '../plugins/read-answers.ts'
import renewal from '../plugins/renewal.ts'
import securityHeaders from '../plugins/security-headers.ts'
import sessionEvents from '../plugins/session-events.ts'
import sessionStore from '../plugins/session-store.ts'
import sessions from '../plugins/sessions.ts'
import state from '../plugins/state.ts'
import tickets from '../plugins/tickets.ts'
import tracing from '../plugins/tracing.ts'
import vault from '../plugins/vault.ts'
import wholeRequests from '../plugins/whole-requests.ts'
import { adminListener } from './admin.ts'
import { internalListener } from './internal.ts'
import { requestSerializers } from './logging.ts'
import type { AppOptions } from './options.ts'
import { routePreflights } from './preflights.ts'
import type { RouteGroup } from './route-groups.ts'
import { judgePlace, takePlace } from './terms.ts'
import { readBuild } from './version.ts'

/**
 * Makes a whole server of the product, below its `prefix`: whatever else the server is asked, it answers
 * as the product does, and health is told at the root too, where probes look for it. `onScope` hears of the
 * scope that has the product's decorators.
 */
export async function serve(
  app: FastifyInstance,
  options: AppOptions,
  onScope?: (scope: FastifyInstance) => void,
): Promise<void> {
  await meetRequests(app, options)
  await app.register(async (scope, own: AppOptions) => {
    onScope?.(scope)
    await runFlow(scope, own)
  }, options)
  if (options.prefix !== '') await app.register(health, options.health)
}

/**
 * Registers the whole product in an app of your own; `buildOptions` makes its options. What no route
 * answers stays the host's at the root, and the host's log gets nothing of our requests that ours would
 * not hold. Refuses a prefix that is not the path of the public URL, or at which there is a broker already.
 */
export async function fhirstorm(app: FastifyInstance, options: AppOptions): Promise<void> {
  const isAtRoot = app.prefix === ''
  judgePlace(app, app.prefix, options.prefix)
  takePlace(app, options.prefix)
  const { root } = options.frontend
  const ownOfHost: RouteGroup[] = root === undefined ? ['health', 'frontend'] : ['health']
  app.addHook('onRoute', route => {
    route.logSerializers = { ...route.logSerializers, ...requestSerializers }
    // @fastify/otel of the host would write the whole address of each request; the plugin tracing does not.
    route.config = Object.assign({ otel: false }, route.config)
  })
  await meetRequests(app, { ...options, errors: { ...options.errors, notFound: !isAtRoot } })
  const preflights = routePreflights(app)
  await runFlow(app, { leaveOut: isAtRoot ? ownOfHost : [], ...options })
  preflights.stop()
}

async function meetRequests(app: FastifyInstance, options: AppOptions): Promise<void> {
  const ehrs = options.sessions.ehrs.map(({ id }) => id)
  const own = { base: options.prefix || undefined, ehrs, build: readBuild() }
  await app.register(metrics, { ...own, ...options.metrics })
  await app.register(tracing)
  if (options.audit) await app.register(audit, options.audit)
  await app.register(errors, options.errors)
  await app.register(securityHeaders, options.securityHeaders)
  await app.register(guard, options.guard)
  const { connections, answers, pressure: memory } = options.limits ?? {}
  await app.register(wholeRequests, { requestMs: connections?.requestMs })
  await app.register(readAnswers, answers ?? {})
  await app.register(pressure, memory ?? {})
  await app.register(limits)
  await app.register(vault, options.vault)
}

async function runFlow(app: FastifyInstance, options: AppOptions): Promise<void> {
  // What the flow needs: LaunchRequest → PendingLaunch → VerifiedCallback → TokenSet → Session.
  await app.register(cookies, options.cookies)
  await app.register(discovery, options.discovery)
  await app.register(state, options.state)
  await app.register(authorizationServer, options.authorizationServer)
  await app.register(sessionStore, options.sessionStore)
  await app.register(tickets, options.tickets)
  await app.register(renewal, options.renewal)

  // The routes, as a user meets them.
  const has = (group: RouteGroup) => !options.leaveOut?.includes(group)
  if (options.facade) {
    await app.register(facadeDocuments, options.facade)
    await app.register(facade, options.facade)
  }
  if (has('launch')) await app.register(launch, options.launch)
  if (has('callback')) await app.register(callback, options.callback)
  if (has('sessions')) await app.register(sessions, options.sessions)
  if (has('sessionEvents')) await app.register(sessionEvents, options.sessionEvents)
  if (has('proxy')) await app.register(proxy, options.proxy)
  if (has('logout')) await app.register(logout, options.logout)
  if (has('backchannelLogout')) await app.register(backchannelLogout, options.backchannelLogout)
  if (has('jwks')) await app.register(jwks, options.jwks)
  if (options.apiJwks) await app.register(jwks, options.apiJwks)
  if (has('health')) await app.register(health, options.health)
  if (has('contract')) await app.register(contract, options.contract)
  if (has('frontend')) await app.register(frontend, options.frontend)

  // For the app's own servers and for operators, on ports of their own.
  if (options.internal) await app.register(internalListener, options.internal)
  if (options.admin) await app.register(adminListener, options.admin)
}
