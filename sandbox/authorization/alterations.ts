// What is put into the authorization server's answers after its work: SMART's launch context into every
// token answer, and what the request's face does otherwise.

import type { Context } from 'oidc-provider'
import type { Call, Document, Face } from '../faces/face.ts'
import type { Answer } from '../http/answer.ts'
import { send } from '../http/send.ts'
import type { Sites } from '../site.ts'
import { createVisits } from '../visits.ts'
import { siteOfRequest } from './audience.ts'
import type { TokenCalls } from './token-calls.ts'

/** A middleware around the whole of oidc-provider. */
export function createAlterations({ sites, calls }: { sites: Sites; calls: TokenCalls }) {
  const countVisit = createVisits()
  return async (ctx: Context, next: () => Promise<void>): Promise<void> => {
    await next()
    if (ctx.oidc === undefined) return
    const { route, entities } = ctx.oidc
    const call = buildCall(ctx, sites, countVisit)
    if (route === 'authorization' || route === 'resume') alterCallback(ctx, call)
    if (ctx.status !== 200 || typeof ctx.body !== 'object') return
    if (route === 'token') ctx.body = { ...ctx.body, ...entities.AccessToken?.extra }
    const altered = await alter(ctx, call, calls)
    if (altered !== undefined) await answer(ctx, altered)
  }
}

function buildCall(
  { req }: Context,
  sites: Sites,
  countVisit: ReturnType<typeof createVisits>,
): Call {
  const { method = 'GET', headers } = req
  const { pathname, searchParams } = new URL(req.url ?? '/', 'http://sandbox')
  const site = siteOfRequest(sites, req)
  const visit = countVisit({ site, path: pathname })
  return { site, method, path: pathname, query: searchParams, headers, visit }
}

const documentHooks: Readonly<Record<string, 'openidConfiguration' | 'jwks'>> = {
  discovery: 'openidConfiguration',
  jwks: 'jwks',
}

async function alter(ctx: Context, call: Call, calls: TokenCalls): Promise<Answer | undefined> {
  const { face }: { face: Face } = call.site
  const { route } = ctx.oidc
  const document = ctx.body as Document
  const hook = documentHooks[route]
  if (hook !== undefined) return await face[hook]?.(structuredClone(document), call)
  const tokenCall = route === 'token' ? calls.find(ctx.req) : undefined
  return tokenCall && (await face.token?.(document, tokenCall))
}

function alterCallback(ctx: Context, call: Call): void {
  const location = ctx.response.get('location')
  const redirectUri = ctx.oidc.params?.redirect_uri
  if (redirectUri === undefined || location?.startsWith(redirectUri) !== true) return
  const url = new URL(location)
  call.site.face.callback?.(url, call)
  ctx.set('location', url.href)
}

/** Hands the answer to our own writer, which can stream and break off. */
async function answer(ctx: Context, altered: Answer): Promise<void> {
  Object.assign(ctx, { respond: false })
  for (const name of ['content-type', 'content-length']) ctx.res.removeHeader(name)
  await send(ctx.req, ctx.res, altered)
}
