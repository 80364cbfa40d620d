// A backend-for-frontend with the surface of the product, written the way such things are first written:
// it works, and it holds almost nothing. The suite is tested against it: rows that pass here tell nothing.
// Never a part of the product; it listens on this machine alone.

import { randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { decodeJwt } from 'jose'
import type { SuiteConfig } from '../config.ts'
import { buildRegistrations } from '../register.ts'

interface Registration {
  id: string
  iss: string
  clientId: string
  clientAuth: { secret: string }
  scope: string
}

interface Session {
  id: string
  ehr: Registration
  tokens: Record<string, unknown>
}

interface Discovered {
  authorization_endpoint: string
  token_endpoint: string
}

export interface WeakBroker {
  url: string
  close(): void
}

/** Starts it on a free port. */
export async function startWeakBroker(config: SuiteConfig): Promise<WeakBroker> {
  const registrations = buildRegistrations(config) as unknown as Registration[]
  const sessions = new Map<string, Session>()
  // One for all browsers: the last login that was begun.
  const launches = new Map<string, { ehr: Registration; returnTo: string; redirectUri: string }>()
  const server = createServer(
    { maxHeaderSize: 64 * 1024, requestTimeout: 0 },
    (request, response) => {
      route(request, response).catch(error => {
        if (response.headersSent) return void response.destroy()
        // What went wrong is told to whoever asked.
        response.writeHead(500, { 'x-powered-by': 'weak' }).end(`${request.url}: ${error.stack}`)
      })
    },
  )
  server.on('clientError', (_error, socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'))
  await new Promise<void>(resolve => server.listen(0, 'localhost', resolve))
  const port = (server.address() as AddressInfo).port
  const own = `http://localhost:${port}`
  return {
    url: own,
    close() {
      server.close()
      server.closeAllConnections()
    },
  }

  async function route(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // The address is read by a URL parser, dots and all, at whatever host the caller names.
    const url = new URL(request.url ?? '/', `http://${request.headers.host || 'localhost'}`)
    response.setHeader('access-control-allow-origin', request.headers.origin ?? '*')
    response.setHeader('access-control-allow-credentials', 'true')
    if (request.method === 'OPTIONS') return void response.writeHead(204).end()
    const { pathname } = url
    if (pathname === '/healthz' || pathname === '/readyz')
      return void response.end('ok, redis 7.0.15')
    if (pathname === '/metrics') return void response.end(`sessions ${sessions.size}`)
    if (pathname === '/login' || pathname === '/launch') return await login(request, response, url)
    if (pathname.startsWith('/redirect')) return await callback(response, url)
    if (pathname === '/logout') return void logout(request, response, url)
    if (pathname === '/backchannel-logout') return await logoutByEhr(request, response)
    const [, id = '', rest] = /^\/sessions\/([^/]+)(?:\/fhir(.*))?$/.exec(pathname) ?? []
    if (pathname === '/sessions') return json(response, [...sessions.values()])
    if (pathname.startsWith('/fhir'))
      return await proxy(
        request,
        response,
        findSession(request),
        pathname.slice('/fhir'.length) + url.search,
      )
    if (id !== '' && rest !== undefined)
      return await proxy(request, response, findSession(request, id), rest + url.search)
    if (id !== '') return describe(response, findSession(request, id))
    response
      .writeHead(404, { 'content-type': 'text/html' })
      .end(`<h1>${decodeURI(pathname)} is not here</h1>`)
  }

  /** Asks wherever the caller says that an EHR is, and follows wherever that leads. */
  async function discover(iss: string): Promise<Discovered> {
    const answer = await fetch(`${iss}/.well-known/smart-configuration`, {
      signal: AbortSignal.timeout(3_000),
    })
    return (await answer.json()) as Discovered
  }

  async function login(
    request: IncomingMessage,
    response: ServerResponse,
    url: URL,
  ): Promise<void> {
    const iss = url.searchParams.get('iss')
    const ehr = registrations.find(
      each => each.id === url.searchParams.get('ehr') || iss?.startsWith(each.iss),
    )
    if (!ehr) {
      if (iss) await discover(iss)
      return void response.writeHead(404).end(`unknown: ${url.search}`)
    }
    const server = await discover(iss ?? ehr.iss)
    // The state tells what it is about, so that nothing needs to be kept.
    const returnTo = url.searchParams.get('return_to') ?? '/'
    const redirectUri = `http://${request.headers['x-forwarded-host'] ?? request.headers.host}/redirect/${ehr.id}`
    const state = Buffer.from(JSON.stringify({ ehr: ehr.id, returnTo })).toString('base64url')
    launches.set(state, { ehr, returnTo, redirectUri })
    const query = new URLSearchParams({
      ...{ response_type: 'code', client_id: ehr.clientId, redirect_uri: redirectUri, state },
      ...{
        scope: ehr.scope,
        aud: ehr.iss,
        code_challenge: CHALLENGE,
        code_challenge_method: 'S256',
        nonce: 'nonce',
      },
    })
    const mark = server.authorization_endpoint.includes('?') ? '&' : '?'
    response
      .writeHead(302, {
        location: `${server.authorization_endpoint}${mark}${query}`,
        'set-cookie': `launch-${randomBytes(6).toString('hex')}=${state}`,
      })
      .end()
  }

  async function callback(response: ServerResponse, url: URL): Promise<void> {
    const state = url.searchParams.get('state') ?? ''
    const launch = launches.get(state) ?? [...launches.values()].at(-1)
    if (!launch) return void response.writeHead(400).end('no login was begun')
    const error = url.searchParams.get('error')
    if (error)
      return void response
        .writeHead(400, { 'content-type': 'text/html' })
        .end(`<p>${error}: ${url.searchParams.get('error_description')}</p>`)
    const { ehr, redirectUri, returnTo } = launch
    const { token_endpoint } = await discover(ehr.iss)
    const basic = Buffer.from(`${ehr.clientId}:${ehr.clientAuth.secret}`).toString('base64')
    const answer = await fetch(token_endpoint, {
      method: 'POST',
      headers: { authorization: `Basic ${basic}` },
      body: new URLSearchParams({
        ...{ grant_type: 'authorization_code', code: url.searchParams.get('code') ?? '' },
        ...{ redirect_uri: redirectUri, code_verifier: VERIFIER },
      }),
      signal: AbortSignal.timeout(3_000),
    })
    const tokens = (await answer.json()) as Record<string, unknown>
    if (tokens.error) return void response.writeHead(500).end(JSON.stringify(tokens))
    const id = String(sessions.size + 1)
    sessions.set(id, { id, ehr, tokens })
    response.writeHead(302, {
      location: `${returnTo}${returnTo.includes('?') ? '&' : '?'}session=${id}`,
      'set-cookie': `ticket=${id}; Path=/`,
    })
    response.end()
  }

  function findSession({ headers }: IncomingMessage, asked?: string): Session {
    // Whoever knows the number of a session, has it.
    const ticket = /ticket=(\d+)/.exec(headers.cookie ?? '')?.[1]
    const session = sessions.get(asked ?? ticket ?? '')
    if (!session) throw new Error('no session')
    return session
  }

  function describe(response: ServerResponse, { id, ehr, tokens }: Session): void {
    json(response, { id, ehr: ehr.id, fhirBaseUrl: `${own}/sessions/${id}/fhir`, ...tokens })
  }

  async function proxy(
    request: IncomingMessage,
    response: ServerResponse,
    { ehr, tokens }: Session,
    path: string,
  ): Promise<void> {
    const {
      host: _host,
      connection: _connection,
      'content-length': _length,
      'transfer-encoding': _coding,
      ...headers
    } = request.headers
    const method = String(request.headers['x-http-method-override'] ?? request.method)
    const hasBody = !['GET', 'HEAD'].includes(method)
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const answer = await fetch(ehr.iss + decodeURIComponent(path), {
      method,
      headers: {
        ...(headers as Record<string, string>),
        authorization: `Bearer ${tokens.access_token}`,
      },
      body: hasBody ? Buffer.concat(chunks) : undefined,
      signal: AbortSignal.timeout(5_000),
    })
    const {
      'content-encoding': _encoding,
      'content-length': _old,
      'transfer-encoding': _chunked,
      ...rest
    } = Object.fromEntries(answer.headers)
    const body = Buffer.from(await answer.arrayBuffer())
    response.writeHead(answer.status, rest).end(body)
  }

  function logout(request: IncomingMessage, response: ServerResponse, url: URL): void {
    // The cookie is cleared; the session stays.
    findSession(request)
    response.writeHead(302, {
      location:
        url.searchParams.get('post_logout_redirect_uri') ??
        url.searchParams.get('return_to') ??
        '/',
      'set-cookie': 'ticket=; Max-Age=0',
    })
    response.end()
  }

  async function logoutByEhr(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const { sid } = decodeJwt(
      new URLSearchParams(Buffer.concat(chunks).toString()).get('logout_token') ?? '',
    )
    // Whatever signed it, if anything did.
    for (const [id, { tokens }] of sessions) {
      const known = typeof tokens.id_token === 'string' ? decodeJwt(tokens.id_token) : {}
      if (sid !== undefined && known.sid === sid) sessions.delete(id)
    }
    response.writeHead(200).end()
  }

  function json(response: ServerResponse, document: unknown): void {
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(document))
  }
}

/** One for all logins. */
const VERIFIER = 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk'
const CHALLENGE = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM'
