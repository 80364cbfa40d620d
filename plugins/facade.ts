// Routes: authorization and tokens of the SMART server that an existing app is shown below /smart/EHR-ID,
// with the EHR behind it. The app runs its own launch against it, unchanged; the access token that it gets
// is its session's name, which opens nothing without the ticket cookie.

import { randomBytes as randomBytesOfNode } from 'node:crypto'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { noteAbout } from '../src/about.ts'
import { isPrefetch } from '../src/browser/prefetch.ts'
import { BrokerError } from '../src/errors.ts'
import {
  type AppRequest,
  buildCodeUrl,
  buildErrorUrl,
  type RefusedRequest,
  readAppRequest,
  refuseRequest,
} from '../src/facade/authorization.ts'
import { buildFacadeUrl, buildLaunchLanding, type FacadeClient } from '../src/facade/client.ts'
import { createGrants } from '../src/facade/grants.ts'
import { signIdToken } from '../src/facade/id-token.ts'
import {
  buildTokenAnswer,
  type CodeGrant,
  isOwnCode,
  readTokenRequest,
  type TokenError,
} from '../src/facade/token.ts'
import { readQuery } from '../src/form.ts'
import { defaultLaunchPace } from '../src/limits.ts'
import { groupAddress } from '../src/network/address.ts'
import { createPace, type PaceLimits } from '../src/pace.ts'
import { anObject, aPublicUrl, judgeOptions, listWith, requireParts } from '../src/plugin-terms.ts'
import type { OpenSession } from '../src/session/session.ts'
import type { SigningKey } from '../src/signing-keys.ts'
import { describeDenial } from '../src/smart/launch/denials.ts'
import type { AuthorizationErrorCode, RandomBytes, Registration } from '../src/smart/types.ts'
import type {} from './guard.ts'
import type {} from './tickets.ts'
import type {} from './vault.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** Where logins of existing apps land; the callback asks it. */
    smartFacade?: Facade
  }
}

/** A login that has ended, as the callback tells it. */
export interface EndedLogin {
  ehr: string
  kind: 'ehr' | 'standalone'
  returnTo: string
  /** Session id; none after a refusal by the EHR. */
  session?: string
  /** How the EHR refused; `access_denied` unless told. */
  error?: AuthorizationErrorCode
}

export interface Facade {
  /** The address of the app that this login belongs to; undefined where it is none of an existing app. */
  land(login: EndedLogin): Promise<string | undefined>
}

export interface FacadeOptions {
  registrations: readonly Registration[]
  /** Public URL without a trailing slash. */
  publicUrl: string
  client: FacadeClient
  /** ES256 keys for id_tokens, the one in use first. */
  signingKeys: readonly SigningKey[]
  /** Node's unless told. */
  randomBytes?: RandomBytes
  /** How many authorizations may wait for a login, of those that begin within a while. */
  pace?: Partial<PaceLimits>
  /** For @fastify/rate-limit, where the app has it. */
  rateLimit?: { max: number; timeWindow: number }
}

interface Asked {
  Params: { ehr: string }
}

const MAX_FORM_BYTES = 16 * 1024
const WAITING = /^\/smart\/[a-z0-9-]+\/authorize\/([A-Za-z0-9_-]{43})$/

async function facade(app: FastifyInstance, options: FacadeOptions): Promise<void> {
  requireParts(app, 'facade', ['smartGuard', 'smartTickets', 'smartVault'])
  judgeOptions('facade', options, {
    registrations: listWith('id', 'iss'),
    publicUrl: aPublicUrl,
    client: anObject,
    signingKeys: listWith('kid'),
  })
  const { publicUrl, client, signingKeys, randomBytes = randomBytesOfNode } = options
  const { smartTickets: tickets, smartVault: vault } = app
  const registrations = new Map(options.registrations.map(entry => [entry.id, entry]))
  const grants = createGrants(vault, randomBytes)
  const base = new URL(publicUrl).pathname.replace(/\/$/, '')
  const { rateLimit } = options
  const page = { config: { page: true, rateLimit }, exposeHeadRoute: false }
  const pace = createPace({ ...defaultLaunchPace, ...options.pace }, () => performance.now())

  app.decorate('smartFacade', { land })

  await app.register(async routes => {
    routes.removeAllContentTypeParsers()
    routes.addContentTypeParser(
      'application/x-www-form-urlencoded',
      { parseAs: 'string', bodyLimit: MAX_FORM_BYTES },
      (_request, body, done) => done(null, body),
    )

    routes.get('/smart/:ehr/authorize', page, async (request: FastifyRequest<Asked>, reply) => {
      if (isPrefetch(request.headers)) throw new BrokerError('prefetch_refused')
      return reply.redirect(await authorize(request, find(request)), 303)
    })

    // Where a login ends that took longer than its app waits.
    routes.get('/smart/:ehr/authorize/:name', page, async (request: FastifyRequest<Asked>) => {
      const { id: ehr } = find(request)
      const startAgain = buildLaunchLanding(client.launchUrl, buildFacadeUrl(publicUrl, ehr))
      throw new BrokerError('state_expired', { ehr, begun: 'standalone', startAgain })
    })

    routes.post(
      '/smart/:ehr/token',
      { config: { rateLimit } },
      async (request: FastifyRequest<Asked>, reply) => {
        app.smartGuard.check(request)
        const answer = await redeem(request, find(request))
        reply.header('cache-control', 'no-store').header('vary', 'Cookie')
        return typeof answer === 'string' ? reply.code(400).send({ error: answer }) : answer
      },
    )
  })

  /** Without a launch of ours the user logs in first, and the callback finds the app again. */
  async function authorize(
    request: FastifyRequest<Asked>,
    registration: Registration,
  ): Promise<string> {
    const { id: ehr } = registration
    const asked = readAppRequest(readQuery(request.raw.url), client, urlOf(registration))
    if ('redirectTo' in asked) return refuse(request, ehr, asked)
    if (asked.launch === undefined) {
      makeRoom(request, ehr)
      const name = await grants.give('waiting', { ehr, request: asked })
      const query = new URLSearchParams({
        ehr,
        return_to: `${base}/smart/${ehr}/authorize/${name}`,
      })
      return `${base}/login?${query}`
    }
    const ready = await grants.take('launch', asked.launch)
    if (ready?.ehr !== ehr) return refuse(request, ehr, refuseRequest(asked, 'launch'))
    await tickets.open(request, ready.session)
    return await grantCode(ready.session, ehr, asked)
  }

  // The answer is a redirect like any other: its line in the log says what it was.
  function refuse(request: FastifyRequest, ehr: string, refused: RefusedRequest): string {
    noteAbout(request, { ehr, detail: `refused to the app: ${refused.reason}` })
    return refused.redirectTo
  }

  // Whoever asks need not have logged in: what waits lies in the vault for ten minutes.
  function makeRoom({ ip }: FastifyRequest, ehr: string): void {
    const rest = pace(ehr, groupAddress(ip))
    if (rest === 0) return
    throw new BrokerError('too_many_logins', { ehr, retryAfterSeconds: Math.ceil(rest / 1000) })
  }

  async function grantCode(session: string, ehr: string, asked: AppRequest): Promise<string> {
    const { clientId, redirectUri, challenge, nonce, contexts } = asked
    const grant: CodeGrant = { ehr, session, clientId, redirectUri, challenge, nonce, contexts }
    return buildCodeUrl(asked, await grants.give('code', grant))
  }

  async function land(login: EndedLogin): Promise<string | undefined> {
    const { ehr, kind, returnTo, session, error = 'access_denied' } = login
    const local = returnTo.startsWith(base) ? returnTo.slice(base.length) : returnTo
    const [, name] = WAITING.exec(local) ?? []
    if (name !== undefined) {
      const waiting = await grants.take('waiting', name)
      if (waiting?.ehr !== ehr) return undefined
      return session === undefined
        ? buildErrorUrl(waiting.request, error, describeDenial(error))
        : await grantCode(session, ehr, waiting.request)
    }
    if (kind !== 'ehr') return undefined
    // The app has asked for nothing yet, and shows an error all the same.
    const [redirectUri = client.launchUrl] = client.redirectUris
    if (session === undefined) return buildErrorUrl({ redirectUri }, error, describeDenial(error))
    const launch = await grants.give('launch', { ehr, session })
    return buildLaunchLanding(client.launchUrl, buildFacadeUrl(publicUrl, ehr), launch)
  }

  async function redeem(
    request: FastifyRequest<Asked>,
    registration: Registration,
  ): Promise<object | TokenError> {
    const { id: ehr } = registration
    const form = typeof request.body === 'string' ? request.body : ''
    const asked = readTokenRequest(form, request.headers.authorization)
    if (typeof asked === 'string') return asked
    const grant = await grants.take('code', asked.code)
    if (grant === undefined || !isOwnCode(asked, grant, ehr)) return 'invalid_grant'
    const open = await openOwn(request, grant.session)
    if (open === undefined) return 'invalid_grant'
    const idToken = await describeUser(open, registration, grant)
    return buildTokenAnswer(open, grant, vault.now(), idToken)
  }

  /** A code that was stolen finds no ticket beside it. */
  async function openOwn(request: FastifyRequest, id: string): Promise<OpenSession | undefined> {
    try {
      return await tickets.open(request, id)
    } catch (error) {
      if (error instanceof BrokerError && error.status === 401) return undefined
      throw error
    }
  }

  async function describeUser(
    { session }: OpenSession,
    registration: Registration,
    { nonce }: CodeGrant,
  ): Promise<string | undefined> {
    const [key] = signingKeys
    const { identity } = session.tokens
    if (identity === undefined || key === undefined) return undefined
    return await signIdToken(identity, key, {
      ...{ facadeUrl: urlOf(registration), clientId: client.clientId, nonce, now: vault.now() },
      bases: registration.rewrite ? [registration.iss, ...registration.baseAliases] : [],
    })
  }

  function find(request: FastifyRequest<Asked>): Registration {
    const registration = registrations.get(request.params.ehr)
    if (registration === undefined) throw new BrokerError('unknown_ehr')
    return registration
  }

  function urlOf({ id }: Registration): string {
    return buildFacadeUrl(publicUrl, id)
  }
}

export default fp(facade, { name: 'fhirstorm-facade', fastify: '5.x' })
