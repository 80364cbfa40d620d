// Route: the redirect URI. Takes the launch once, exchanges the code, makes the session, sets its
// ticket and sends the browser on. A reload while the exchange runs waits for it and gets the same
// answer; afterwards the state is used.

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { buildLandingUrl, type Frontend } from '../src/browser/return-to.ts'
import { BrokerError } from '../src/errors.ts'
import {
  type CallbackQuery,
  parseCallbackQuery,
  verifyCallback,
} from '../src/smart/launch/callback.ts'
import { buildLaunchId } from '../src/smart/launch/state.ts'
import { listRedirectFaults } from '../src/smart/redirect-uri.ts'
import type { PendingLaunch, Registration } from '../src/smart/types.ts'
import type {} from './cookies.ts'
import type {} from './discovery.ts'
import type {} from './state.ts'
import type { Granted } from './tickets.ts'
import type {} from './token.ts'

export interface CallbackOptions {
  registrations: readonly Registration[]
  /** Public URL without a trailing slash: with the path of the request it names the redirect URI. */
  publicUrl: string
  frontend: Frontend
  /** For @fastify/rate-limit, where the app has it. */
  rateLimit?: { max: number; timeWindow: number }
}

/** How a launch ended: where the browser goes, and what it is given. */
interface Completed {
  location: string
  /** Whether the launch was begun in a frame, with cookies for frames. */
  embedded: boolean
  granted?: Granted
}

async function callback(app: FastifyInstance, options: CallbackOptions): Promise<void> {
  const { publicUrl, frontend } = options
  const [fault] = listRedirectFaults(options.registrations)
  if (fault) throw new Error(`registrations[${fault.index}].${fault.setting}: ${fault.message}`)
  const { smartCookies: cookies, smartTickets: tickets } = app
  const registrations = new Map(options.registrations.map(entry => [entry.id, entry]))
  const config = { rateLimit: options.rateLimit, page: true }
  /** Launches whose exchange runs at this moment, by launch id. */
  const running = new Map<string, { cookie: string; completed: Promise<Completed> }>()

  for (const path of ['/redirect', '/redirect/:ehr']) {
    app.get(path, { config }, async (request: FastifyRequest<Asked>, reply) => {
      if (request.headers['sec-purpose']?.includes('prefetch')) {
        throw new BrokerError('prefetch_refused')
      }
      const query = parseCallbackQuery(rawQuery(request))
      if (query.state === undefined) throw new BrokerError('state_missing')
      const launchId = await buildLaunchId(query.state)
      const cookie = cookies.read(request, cookies.names.launch(launchId))
      const completed = await share(launchId, cookie, () => complete(request, query, cookie))
      return land(reply, launchId, completed)
    })
  }

  async function share(
    launchId: string,
    cookie: string | undefined,
    run: () => Promise<Completed>,
  ): Promise<Completed> {
    const same = running.get(launchId)
    if (same && same.cookie === cookie) return await same.completed
    const completed = run()
    if (cookie === undefined || same) return await completed
    running.set(launchId, { cookie, completed })
    return await completed.finally(() => running.delete(launchId))
  }

  async function complete(
    request: FastifyRequest<Asked>,
    query: CallbackQuery,
    cookie: string | undefined,
  ): Promise<Completed> {
    const pending = await app.smartState.redeem({ state: query.state, cookie })
    const registration = requireOwnRedirect(request, pending)
    const server = await app.smartDiscovery.resolve(registration)
    const verified = verifyCallback(query, pending, { registration, server })
    const { returnTo } = pending
    const { embedded } = registration
    if (verified.outcome === 'refused') {
      const location = buildLandingUrl(returnTo, frontend.origin, { error: verified.error })
      return { embedded, location }
    }
    const tokens = await app.smartToken.exchange(registration, server, verified)
    const { id: ehr, iss } = registration
    const granted = await tickets.begin(request, { ehr, iss, tokens }).catch(error => {
      app.smartToken.discard(ehr, tokens)
      throw error
    })
    const session = granted.open.session.id
    const location = buildLandingUrl(returnTo, frontend.origin, { session })
    return { embedded, granted, location }
  }

  // An EHR is heard at its redirect URI and nowhere else, so that the code of one is never taken for
  // another's (attacks C2).
  function requireOwnRedirect({ params }: FastifyRequest<Asked>, pending: PendingLaunch) {
    const registration = registrations.get(pending.ehr)
    if (!registration) throw new BrokerError('state_invalid')
    const path = params.ehr === undefined ? '/redirect' : `/redirect/${params.ehr}`
    const asked = publicUrl + path
    if (asked !== pending.redirectUri || asked !== registration.redirectUri) {
      throw new BrokerError('issuer_mismatch', { ehr: registration.id })
    }
    return registration
  }

  function land(reply: FastifyReply, launchId: string, { location, embedded, granted }: Completed) {
    cookies.clear(reply, 'launch', cookies.names.launch(launchId), { embedded })
    if (granted) tickets.grant(reply, granted)
    return reply.redirect(location, 303)
  }
}

interface Asked {
  Params: { ehr?: string }
}

function rawQuery({ raw }: FastifyRequest): string {
  return (raw.url ?? '').split('?').slice(1).join('?')
}

export default fp(callback, {
  name: 'fhirstorm-callback',
  fastify: '5.x',
  encapsulate: true,
  decorators: {
    fastify: ['smartCookies', 'smartDiscovery', 'smartState', 'smartTickets', 'smartToken'],
  },
})
