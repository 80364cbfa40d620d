// Routes: /launch (by the EHR) and /login (by the frontend). Each begins an authorization: discovery,
// PKCE and state, the launch cookie, and the way to the EHR.

import { randomBytes as randomBytesOfNode } from 'node:crypto'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { noteAbout } from '../src/about.ts'
import { buildChoicePage, buildPostPage, type Look, type Page } from '../src/browser/page.ts'
import { chooseLanguage } from '../src/browser/page-words.ts'
import { isPrefetch } from '../src/browser/prefetch.ts'
import { type Frontend, parseReturnTo } from '../src/browser/return-to.ts'
import { BrokerError, namingEhr } from '../src/errors.ts'
import { readQuery } from '../src/form.ts'
import { defaultLaunchPace, MAX_LAUNCHES } from '../src/limits.ts'
import { groupAddress } from '../src/network/address.ts'
import { createPace, type PaceLimits } from '../src/pace.ts'
import { judgeOptions, listWith, requireParts, withTexts } from '../src/plugin-terms.ts'
import { listFrameAncestors } from '../src/smart/frame-ancestors.ts'
import {
  buildAuthorizationParameters,
  buildAuthorizationRequest,
  buildLaunch,
} from '../src/smart/launch/authorize.ts'
import { findNamed, parseEhrLaunch, parseLogin, type Query } from '../src/smart/launch/launch.ts'
import { LAUNCH_LIFETIME_SECONDS } from '../src/smart/launch/state.ts'
import type { LaunchRequest, RandomBytes, Registration } from '../src/smart/types.ts'
import type {} from './authorization-server.ts'
import type {} from './cookies.ts'
import type {} from './discovery.ts'
import type {} from './state.ts'

export interface LaunchOptions {
  registrations: readonly Registration[]
  frontend: Frontend
  /** Node's unless told. */
  randomBytes?: RandomBytes
  /** How the pages look. */
  look?: Look
  /** How many logins may begin within a while. */
  pace?: Partial<PaceLimits>
  /** True while no new login is taken. */
  isDraining?: () => boolean
  /** Logins that one browser may have in progress; 5 unless told. */
  perBrowser?: number
  /** For @fastify/rate-limit, where the app has it. */
  rateLimit?: { max: number; timeWindow: number }
}

/** Their cookies together, so that the Cookie header stays under 4 KiB beside eight tickets. */
const MAX_LAUNCH_BYTES = 1536

interface Asked {
  Querystring: Query
  Params: { ehr?: string }
}

async function launch(app: FastifyInstance, options: LaunchOptions): Promise<void> {
  requireParts(app, 'launch', [
    'smartAuthorization',
    'smartCookies',
    'smartDiscovery',
    'smartState',
  ])
  judgeOptions('launch', options, {
    registrations: listWith('id', 'iss'),
    frontend: withTexts('origin', 'returnTo'),
  })
  const { registrations, frontend, randomBytes = randomBytesOfNode } = options
  const config = { rateLimit: options.rateLimit, page: true }
  const { perBrowser = MAX_LAUNCHES } = options
  const pace = createPace({ ...defaultLaunchPace, ...options.pace }, () => performance.now())
  const { smartCookies: cookies, smartDiscovery: discovery, smartState: state } = app

  app.addHook('onRequest', async (request: FastifyRequest<Asked>) => {
    const asked = { ...request.query, ...request.params }
    noteAbout(request, { ehr: findNamed(asked, registrations)?.id })
    if (isPrefetch(request.headers)) throw new BrokerError('prefetch_refused')
  })

  for (const path of ['/launch', '/launch/:ehr']) {
    app.get(
      path,
      { config, exposeHeadRoute: false },
      async (request: FastifyRequest<Asked>, reply) => {
        const { returnTo } = frontend
        const begun = request.query.launch === undefined ? 'standalone' : 'ehr'
        const begin = async () => {
          const asked = parseEhrLaunch(request.query, registrations, {
            ehr: request.params.ehr,
            sent: readQuery(request.raw.url),
          })
          return await authorize(request, reply, { ...asked, returnTo })
        }
        return await namingEhr(undefined, begin, { begun, returnTo })
      },
    )
  }

  app.get(
    '/login',
    { config, exposeHeadRoute: false },
    async (request: FastifyRequest<Asked>, reply) => {
      const returnTo = parseReturnTo(request.query.return_to, frontend)
      const asked = parseLogin(request.query, registrations, readQuery(request.raw.url))
      if ('choices' in asked && options.isDraining?.()) throw new BrokerError('draining')
      if ('choices' in asked) return show(reply, buildChoice(request, asked.choices, returnTo))
      const begin = () => authorize(request, reply, { ...asked, returnTo })
      return await namingEhr(undefined, begin, { begun: 'standalone', returnTo })
    },
  )

  function optionsFor({ headers }: FastifyRequest) {
    return { look: options.look, language: chooseLanguage(headers['accept-language']) }
  }

  function buildChoice(
    request: FastifyRequest,
    choices: readonly Registration[],
    returnTo: string,
  ): Page {
    return buildChoicePage(
      choices.map(({ id, name }) => ({
        name,
        href: `?${new URLSearchParams({ ehr: id, return_to: returnTo })}`,
      })),
      optionsFor(request),
    )
  }

  async function authorize(request: FastifyRequest, reply: FastifyReply, launch: LaunchRequest) {
    const { registration } = launch
    noteAbout(request, { ehr: registration.id })
    if (options.isDraining?.()) throw new BrokerError('draining', { ehr: registration.id })
    const rest = pace(registration.id, groupAddress(request.ip))
    if (rest > 0) {
      const retryAfterSeconds = Math.ceil(rest / 1000)
      throw new BrokerError('too_many_logins', { ehr: registration.id, retryAfterSeconds })
    }
    const server = await discovery.resolve(registration)
    const material = buildLaunch(launch, server, { randomBytes })
    const { state: value, pending, cookie } = await state.issue(material)
    const asked = await buildAuthorizationParameters(launch, material, value)
    const parameters = await app.smartAuthorization.push(registration, server, asked)
    const authorization = buildAuthorizationRequest(server, parameters, launch.launchAsSent)

    makeRoom(request, reply, registration, cookie)
    cookies.set(reply, 'launch', cookies.names.launch(pending.launchId), cookie, {
      embedded: registration.embedded,
      maxAgeSeconds: LAUNCH_LIFETIME_SECONDS,
    })
    if (authorization.method === 'GET') return reply.redirect(authorization.url, 302)
    const frameAncestors = listFrameAncestors(registration)
    return show(reply, buildPostPage(authorization, { frameAncestors, ...optionsFor(request) }))
  }

  // Browsers send the oldest of equal cookies first (RFC 6265 5.4).
  function makeRoom(
    request: FastifyRequest,
    reply: FastifyReply,
    { embedded }: Registration,
    sealed: string,
  ): void {
    const inProgress = [...cookies.names.launches(request.headers.cookie)]
    let bytes = sealed.length
    for (const [age, [id, text]] of inProgress.reverse().entries()) {
      bytes += text?.length ?? 0
      if (age + 2 > perBrowser || bytes > MAX_LAUNCH_BYTES) {
        cookies.clear(reply, 'launch', cookies.names.launch(id), { embedded })
      }
    }
  }
}

function show(reply: FastifyReply, page: Page): FastifyReply {
  return reply
    .header('vary', 'Cookie, Accept-Language')
    .header('content-security-policy', page.contentSecurityPolicy)
    .type('text/html; charset=utf-8')
    .send(page.html)
}

export default fp(launch, {
  name: 'fhirstorm-launch',
  fastify: '5.x',
  encapsulate: true,
})
