// Route: the redirect URI. Takes the launch once, exchanges the code, hands the login over (to a session
// with a ticket of ours, or to the host's `onLogin`) and sends the browser on. A reload while the
// exchange runs waits for it and gets the same answer; afterwards the state is used.

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { buildLandingUrl, type Frontend } from '../src/browser/return-to.ts'
import { BrokerError } from '../src/errors.ts'
import {
  aFunction,
  anObject,
  aPublicUrl,
  judgeOptions,
  listWith,
  optional,
  requireParts,
} from '../src/plugin-terms.ts'
import {
  type CallbackQuery,
  parseCallbackQuery,
  verifyCallback,
} from '../src/smart/launch/callback.ts'
import { buildLaunchId } from '../src/smart/launch/state.ts'
import { listRedirectFaults } from '../src/smart/redirect-uri.ts'
import type { PendingLaunch, Registration, TokenSet } from '../src/smart/types.ts'
import type {} from './authorization-server.ts'
import type {} from './cookies.ts'
import type {} from './discovery.ts'
import type {} from './renewal.ts'
import type {} from './state.ts'
import type {} from './tickets.ts'

export interface CallbackOptions {
  registrations: readonly Registration[]
  /** Public URL without a trailing slash: with the path of the request it names the redirect URI. */
  publicUrl: string
  frontend: Frontend
  /** Takes a login over in place of a session of ours; needs neither tickets nor vault of sessions. */
  onLogin?: OnLogin
  /** For @fastify/rate-limit, where the app has it. */
  rateLimit?: { max: number; timeWindow: number }
}

/** A launch that went well: who logged in where, and where the browser is to go. */
export interface Login {
  /** Registration id. */
  ehr: string
  /** FHIR base URL of the EHR. */
  iss: string
  tokens: TokenSet
  /** Path or URL at the frontend. */
  returnTo: string
}

/**
 * Called once per login, with the request that brought the code. What it gives is put on every answer
 * that tells of this login: parameters for the landing URL, and cookies or headers by `land`. When it
 * rejects, the tokens are given back where the app can (`smartTokens`).
 */
export type OnLogin = (
  request: FastifyRequest,
  reply: FastifyReply,
  login: Login,
) => Promise<HandedOver | undefined>

export interface HandedOver {
  /** Id of the session, told to the frontend in the landing URL. */
  session?: string
  land?(reply: FastifyReply): void
}

/** How a launch ended: where the browser goes, and what it is given. */
interface Completed {
  location: string
  /** Whether the launch was begun in a frame, with cookies for frames. */
  embedded: boolean
  handedOver?: HandedOver
}

async function callback(app: FastifyInstance, options: CallbackOptions): Promise<void> {
  requireParts(app, 'callback', [
    'smartAuthorization',
    'smartCookies',
    'smartDiscovery',
    'smartState',
  ])
  judgeOptions('callback', options, {
    registrations: listWith('id', 'iss'),
    publicUrl: aPublicUrl,
    frontend: anObject,
    onLogin: optional(aFunction),
  })
  const { publicUrl, frontend } = options
  const [fault] = listRedirectFaults(options.registrations)
  if (fault) throw new Error(`registrations[${fault.index}].${fault.setting}: ${fault.message}`)
  const { smartCookies: cookies } = app
  const onLogin = options.onLogin ?? grantTicket(app)
  const registrations = new Map(options.registrations.map(entry => [entry.id, entry]))
  const config = { rateLimit: options.rateLimit, page: true }
  /** Launches whose exchange runs at this moment, by launch id. */
  const running = new Map<string, { cookie: string; completed: Promise<Completed> }>()

  for (const path of ['/redirect', '/redirect/:ehr']) {
    app.get(
      path,
      { config, exposeHeadRoute: false },
      async (request: FastifyRequest<Asked>, reply) => {
        if (request.headers['sec-purpose']?.includes('prefetch')) {
          throw new BrokerError('prefetch_refused')
        }
        const query = parseCallbackQuery(rawQuery(request))
        if (query.state === undefined) throw new BrokerError('state_missing')
        const launchId = await buildLaunchId(query.state)
        const cookie = cookies.read(request, cookies.names.launch(launchId))
        const completed = await share(launchId, cookie, () =>
          complete(request, reply, query, cookie),
        )
        return land(reply, launchId, completed)
      },
    )
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
    reply: FastifyReply,
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
    const tokens = await app.smartAuthorization.exchange(registration, server, verified)
    const { id: ehr, iss } = registration
    const login = { ehr, iss, tokens, returnTo }
    const handedOver = await onLogin(request, reply, login).catch(error => {
      if (app.hasDecorator('smartTokens')) app.smartTokens.discard(ehr, tokens)
      throw error
    })
    const session = handedOver?.session
    const told: { session: string } | Record<string, never> =
      session === undefined ? {} : { session }
    return { embedded, handedOver, location: buildLandingUrl(returnTo, frontend.origin, told) }
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

  function land(
    reply: FastifyReply,
    launchId: string,
    { location, embedded, handedOver }: Completed,
  ) {
    cookies.clear(reply, 'launch', cookies.names.launch(launchId), { embedded })
    handedOver?.land?.(reply)
    return reply.redirect(location, 303)
  }
}

/** The product's own way: a session in the vault, and its ticket in a cookie. */
function grantTicket({ smartTickets: tickets }: FastifyInstance): OnLogin {
  if (tickets === undefined) {
    throw new Error('fhirstorm-callback: options.onLogin is missing, and so is fhirstorm-tickets')
  }
  return async (request, _reply, login) => {
    const granted = await tickets.begin(request, login)
    return { session: granted.open.session.id, land: reply => tickets.grant(reply, granted) }
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
})
