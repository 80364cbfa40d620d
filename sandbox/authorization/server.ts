// The authorization server behind all faces: oidc-provider with what SMART adds to it, each request
// mounted where its face stands.

import type { IncomingMessage, ServerResponse } from 'node:http'
import type Provider from 'oidc-provider'
import type { Context } from 'oidc-provider'
import type { Place } from '../faces/face.ts'
import type { Answer } from '../http/answer.ts'
import { readBody, replayRequest } from '../http/body.ts'
import { send } from '../http/send.ts'
import type { Directory } from '../patients/card.ts'
import { routes, type Sites } from '../site.ts'
import { createAlterations } from './alterations.ts'
import { withConsentPrompt } from './authorize-request.ts'
import { choiceParameters } from './choice.ts'
import { createGrantContexts } from './grant-contexts.ts'
import { createInteraction } from './interaction.ts'
import { createSigningKeys } from './keys.ts'
import type { Launches } from './launches.ts'
import { errors } from './library.ts'
import { endSessions } from './logout.ts'
import { createProvider } from './provider.ts'
import type { Storage } from './storage.ts'
import { createSign, createTokenCalls, type TokenCalls } from './token-calls.ts'

export interface AuthorizationOptions {
  origin: string
  sites: Sites
  launches: Launches
  storage: Storage
  directory: Directory
  accessTokenSeconds: number
}

export interface AuthorizationServer {
  provider: Provider
  /** Answers a request below `/oauth/` or for the OpenID configuration. */
  handle(req: IncomingMessage, res: ServerResponse, place: Place): Promise<void>
  /** Answers a request for `/interaction/UID`. */
  interact(req: IncomingMessage, res: ServerResponse, url: URL): Promise<Answer>
  /** Ends a user's sessions and tells the apps. */
  logout(user: string): Promise<void>
}

/** A new authorization server. */
export async function createAuthorizationServer(
  options: AuthorizationOptions,
): Promise<AuthorizationServer> {
  const { origin, sites, launches, storage } = options
  const keys = await createSigningKeys()
  const contexts = createGrantContexts(storage)
  const provider = createProvider({
    ...options,
    keys,
    contextOf: contexts.members,
    verifyLaunch: id => {
      if (id !== undefined && launches.find(id) === undefined) {
        throw new errors.InvalidRequest('launch is not known here')
      }
    },
    interactionUrl: (ctx, { uid }) => buildInteractionUrl(ctx, uid),
  })
  const calls = createTokenCalls({ provider, contexts, keys })
  provider.use(createAlterations({ sites, calls }))
  const handlers = { callback: provider.callback(), calls }
  return {
    provider,
    logout: user =>
      endSessions({ provider, storage, contexts, sites, sign: createSign(keys) }, user),
    handle: (req, res, place) => handle(handlers, req, res, place),
    interact: createInteraction({
      ...options,
      provider,
      contexts,
      styleUrl: `${origin}/smart-style.json`,
    }),
  }
}

/** What the app or a script put onto the request to choose without pages goes along. */
function buildInteractionUrl({ query }: Context, uid: string): string {
  const chosen = new URLSearchParams()
  for (const name of choiceParameters) {
    const value = query[name]
    if (typeof value === 'string') chosen.set(name, value)
  }
  return chosen.size === 0 ? `/interaction/${uid}` : `/interaction/${uid}?${chosen}`
}

interface Handlers {
  callback: (req: IncomingMessage, res: ServerResponse) => Promise<void>
  calls: TokenCalls
}

async function handle(
  { callback, calls }: Handlers,
  req: IncomingMessage,
  res: ServerResponse,
  place: Place,
): Promise<void> {
  const { site, path } = place
  const [, query = ''] = (req.url ?? '').split(/\?(.*)/s)
  const forward = async (request: IncomingMessage) => {
    await callback(Object.assign(request, { originalUrl: `${site.mount}${request.url}` }), res)
  }
  if (req.method === 'GET') {
    const search = path === routes.authorize ? withConsentPrompt(query) : query
    req.url = search === '' ? path : `${path}?${search}`
    return await forward(req)
  }
  if (req.method !== 'POST' || path.startsWith(`${routes.logout}/`)) {
    req.url = path
    return await forward(req)
  }
  const body = (await readBody(req)) ?? Buffer.alloc(0)
  if (path === routes.authorize) {
    const url = `${path}?${withConsentPrompt(String(body))}`
    return await forward(replayRequest(req, { method: 'GET', url }))
  }
  const isPush = path === routes.push
  const replay = replayRequest(req, {
    url: path,
    body: isPush ? Buffer.from(withConsentPrompt(String(body))) : body,
  })
  if (path !== routes.token) return await forward(replay)
  const call = await calls.open(replay, site, new URLSearchParams(String(body)))
  const early = await site.face.beforeToken?.(call)
  if (early === undefined) await forward(replay)
  else await send(req, res, early)
}
