// Route: the redirect URI. Takes the launch once, exchanges the code, hands the login over (to a session
// with a ticket of ours, or to the host's `onLogin`) and sends the browser on. Whoever comes again gets the
// same answer for a minute, and is led to the session of that launch as long as the browser has it.

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { noteAbout, pseudonymOf } from '../src/about.ts'
import { isPrefetch } from '../src/browser/prefetch.ts'
import { buildLandingUrl, type Frontend } from '../src/browser/return-to.ts'
import { BrokerError, codeOf, namingEhr } from '../src/errors.ts'
import { readQuery } from '../src/form.ts'
import { MAX_LAUNCHES } from '../src/limits.ts'
import { callerOf } from '../src/network/address.ts'
import { observerOf } from '../src/observer.ts'
import {
  aFunction,
  aPublicUrl,
  judgeOptions,
  listWith,
  optional,
  requireParts,
  withTexts,
} from '../src/plugin-terms.ts'
import { type HandedOverBy, type HandOver, handOverByTicket } from '../src/session/login.ts'
import { createAnswers } from '../src/smart/launch/answers.ts'
import {
  type CallbackQuery,
  parseCallbackQuery,
  verifyCallback,
} from '../src/smart/launch/callback.ts'
import { buildLaunchId } from '../src/smart/launch/state.ts'
import {
  findRedirected,
  listRedirectFaults,
  redirectUriOf,
  requireOwnRedirect,
} from '../src/smart/redirect-uri.ts'
import type { AuthorizationErrorCode, PendingLaunch, Registration } from '../src/smart/types.ts'
import type {} from './authorization-server.ts'
import type {} from './cookies.ts'
import type {} from './discovery.ts'
import type {} from './facade.ts'
import type { LaunchOptions } from './launch.ts'
import type {} from './renewal.ts'
import type {} from './state.ts'
import type {} from './tickets.ts'

export interface CallbackOptions extends Pick<LaunchOptions, 'perBrowser' | 'rateLimit'> {
  registrations: readonly Registration[]
  /** Public URL without a trailing slash: with the path of the request it names the redirect URI. */
  publicUrl: string
  frontend: Frontend
  /** Takes a login over in place of a session of ours; needs neither tickets nor vault of sessions. */
  onLogin?: OnLogin
}

export type { Login } from '../src/session/login.ts'
export type HandedOver = HandedOverBy<FastifyReply>
export type OnLogin = HandOver<FastifyRequest, FastifyReply>

/** How a launch ended: where the browser goes, and what it is given. */
interface Completed {
  location: string
  /** Whether the launch was begun in a frame, with cookies for frames. */
  embedded: boolean
  handedOver?: HandedOver
  /** Ends what was begun, where nobody got to know of it. */
  undo?: () => Promise<void>
}

/** Refusals of a launch that may have led somewhere before. */
const OVER = ['state_used', 'state_expired', 'cookie_missing']

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
    frontend: withTexts('origin', 'returnTo'),
    onLogin: optional(aFunction),
  })
  const { publicUrl, frontend, perBrowser = MAX_LAUNCHES } = options
  const [fault] = listRedirectFaults(options.registrations)
  if (fault) throw new Error(`registrations[${fault.index}].${fault.setting}: ${fault.message}`)
  const { smartCookies: cookies } = app
  const observer = observerOf(app)
  const onLogin = options.onLogin ?? grantTicket(app)
  const registrations = new Map(options.registrations.map(entry => [entry.id, entry]))
  const route = { config: { rateLimit: options.rateLimit, page: true }, exposeHeadRoute: false }
  const answers = createAnswers<Completed>({
    steady: () => performance.now(),
    onLost: ({ undo }) => void undo?.().catch(() => undefined),
  })

  for (const path of ['/redirect', '/redirect/:ehr']) {
    app.get(path, route, async (request: FastifyRequest<Asked>, reply) => {
      const uri = redirectUriOf(publicUrl, request.params.ehr)
      noteAbout(request, { ehr: findRedirected(options.registrations, uri) })
      if (isPrefetch(request.headers)) throw new BrokerError('prefetch_refused')
      const query = parseCallbackQuery(readQuery(request.raw.url))
      const { state, answer } = query
      if (state === undefined) {
        throw new BrokerError('error' in answer ? 'answer_unbound' : 'state_missing')
      }
      const launchId = await buildLaunchId(state)
      const cookie = cookies.read(request, cookies.names.launch(launchId))
      try {
        const make = () => complete(request, reply, query, cookie)
        return land(reply, launchId, await answers.share(launchId, cookie, make))
      } catch (error) {
        return await landAgain(request, reply, state, error)
      }
    })
  }

  async function complete(
    request: FastifyRequest<Asked>,
    reply: FastifyReply,
    query: CallbackQuery,
    cookie: string | undefined,
  ): Promise<Completed> {
    const pending = await app.smartState.redeem({ state: query.state, cookie })
    const registration = registrations.get(pending.ehr)
    if (!registration) throw new BrokerError('state_invalid')
    noteAbout(request, { ehr: registration.id })
    requireOwnRedirect(redirectUriOf(publicUrl, request.params.ehr), pending, registration)
    const finish = () => handOver(request, reply, query, { pending, registration })
    const { kind: begun, returnTo } = pending
    const completed = await namingEhr(registration.id, finish, { begun, returnTo }).catch(error => {
      const [ehr, reason] = [registration.id, codeOf(error)]
      void observer.tell({ act: 'login_failed', ehr, reason, ...callerOf(request) })
      throw error
    })
    const { location, handedOver } = completed
    const landing = { ehr: registration.id, kind: begun, location, session: handedOver?.session }
    // What is not noted is not known later, and that is all.
    await app.smartState.remember(query.state as string, landing).catch(() => undefined)
    return completed
  }

  async function handOver(
    request: FastifyRequest<Asked>,
    reply: FastifyReply,
    query: CallbackQuery,
    { pending, registration }: { pending: PendingLaunch; registration: Registration },
  ): Promise<Completed> {
    const server = await app.smartDiscovery.resolve(registration)
    const verified = verifyCallback(query, pending, { registration, server })
    const { id: ehr, iss, embedded } = registration
    if (verified.outcome === 'refused') {
      const { error } = verified
      await observer.tell({ act: 'denial', ehr, reason: error, ...callerOf(request) })
      observer.countDenial(ehr, error)
      return { embedded, location: await findLanding(ehr, pending, { error }) }
    }
    const tokens = await app.smartAuthorization.exchange(registration, server, verified)
    const discard = () => app.smartTokens?.discard(ehr, tokens)
    const login = { ehr, iss, tokens, returnTo: pending.returnTo }
    const handedOver = await onLogin(request, reply, login).catch(error => {
      discard()
      throw error
    })
    const session = handedOver?.session
    const recordId = session && app.smartSessions?.recordId(session)
    noteAbout(request, { ehr, recordId })
    const who = { session: pseudonymOf(recordId), user: app.smartUserName?.(ehr, tokens) }
    // The tokens go back also where the session's end waits for the vault: nobody has its ticket.
    const end = async () => await handedOver?.undo?.()
    const undo = () => end().finally(discard)
    const told = { ...who, whose: tokens, reason: pending.kind, ...callerOf(request) }
    try {
      const location = await findLanding(ehr, pending, { session })
      await observer.tell({ act: 'login', ehr, ...told })
      return { embedded, handedOver, location, undo: handedOver?.undo && undo }
    } catch (error) {
      await undo().catch(() => undefined)
      throw error
    }
  }

  async function findLanding(
    ehr: string,
    { kind, returnTo }: PendingLaunch,
    outcome: { session?: string; error?: AuthorizationErrorCode },
  ): Promise<string> {
    const ofApp = await app.smartFacade?.land({ ehr, kind, returnTo, ...outcome })
    return ofApp ?? buildLandingUrl(returnTo, frontend.origin, outcome)
  }

  // A launch that is over already, or whose cookie is gone: whoever has its session is led there.
  async function landAgain(
    request: FastifyRequest<Asked>,
    reply: FastifyReply,
    state: string,
    error: unknown,
  ): Promise<FastifyReply> {
    if (!(error instanceof BrokerError) || !OVER.includes(error.code)) throw error
    const known = await app.smartState.recall(state).catch(() => undefined)
    if (known === undefined) {
      const { size } = cookies.names.launches(request.headers.cookie)
      const isCrowded = error.code === 'cookie_missing' && size >= perBrowser
      const about = { ehr: request.smartAbout?.ehr }
      throw isCrowded ? new BrokerError('too_many_launches', about) : error
    }
    const { ehr, kind, session, location } = known
    if (session !== undefined && !(await hasSession(request, session))) {
      throw new BrokerError('state_used', { ehr, begun: kind })
    }
    return reply.redirect(location, 303)
  }

  async function hasSession(request: FastifyRequest, id: string): Promise<boolean> {
    // A host's own sessions are the host's to look after.
    if (options.onLogin) return true
    const { live } = await app.smartTickets.openAll(request)
    return live.some(({ session }) => session.id === id)
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
function grantTicket({ smartTickets: tickets, smartSessions: sessions }: FastifyInstance): OnLogin {
  if (tickets) return handOverByTicket(tickets, sessions)
  throw new Error('fhirstorm-callback: options.onLogin is missing, and so is fhirstorm-tickets')
}

interface Asked {
  Params: { ehr?: string }
}

export default fp(callback, {
  name: 'fhirstorm-callback',
  fastify: '5.x',
  encapsulate: true,
})
