// An EHR that lets whoever comes in at once, as whomever the caller says: logins by the thousand cost
// little, and each has a user and a login that logout tokens can name. Refresh tokens are good once; one
// that comes twice ends what it was given for.

import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose'
import { LOGOUT_EVENT } from '../flow/logout-token.ts'

/** Who has logged in, in which login, and for which patient (`one` unless told). */
export interface Who {
  sub: string
  sid: string
  patient?: string
}

export interface QuickEhr {
  origin: string
  /** Its registration, for the product's configuration; `extras.count` grows with each token answer. */
  registration: Record<string, unknown>
  /** Logs in at an authorization request; where the browser is led then. */
  authorize(request: URL, who: Who): URL
  /** A logout token that names a user or a login. */
  signLogout(about: { sub: string } | { sid: string }): Promise<string>
  /** Every access token is refused from now on. */
  expireAccessTokens(): void
  close(): Promise<void>
}

export interface QuickEhrOptions {
  /** Hears of each refresh token that it is sent; what is returned is called when it has answered. */
  onRefresh?: (token: string) => () => void
  /** Waited for before each answer about tokens or FHIR, when its work is done. */
  delay?: () => Promise<unknown>
}

interface Grant extends Who {
  nonce: string | null
  access: string
  refresh: string
}

const LIFETIME_SECONDS = 3_600
const CLIENT = { id: 'app', secret: 'a-secret-that-is-long-enough-for-it' }
const SCOPE = 'openid offline_access launch/patient patient/*.rs'
const ALG = 'RS256'

/** Starts it on a free port, under the id `quick`. */
export async function startQuickEhr({ onRefresh, delay }: QuickEhrOptions = {}): Promise<QuickEhr> {
  const { publicKey, privateKey } = await generateKeyPair(ALG)
  const jwk = { ...(await exportJWK(publicKey)), kid: '1', alg: ALG, use: 'sig' }
  const [byCode, byRefresh, byAccess] = [grants(), grants(), grants()]
  /** Refresh tokens that were good. */
  const spent = grants()
  let origin = ''
  let count = 0
  const sign = async (claims: JWTPayload, typ: string) =>
    await new SignJWT(claims)
      .setProtectedHeader({ alg: ALG, kid: '1', typ })
      .setIssuer(origin)
      .setAudience(CLIENT.id)
      .setIssuedAt()
      .setExpirationTime(`${LIFETIME_SECONDS}s`)
      .sign(privateKey)

  const server = createServer(async (request, response) => {
    const send = (body: unknown, status = 200) => {
      response.writeHead(status, { 'content-type': 'application/json' })
      response.end(JSON.stringify(body))
    }
    const { pathname } = new URL(request.url ?? '/', origin)
    if (pathname.endsWith('/.well-known/smart-configuration')) return send(describe(origin))
    if (pathname === '/jwks') return send({ keys: [jwk] })
    if (pathname === '/token') {
      const form = new URLSearchParams(await readText(request))
      const refresh = form.get('refresh_token')
      const answered = refresh ? onRefresh?.(refresh) : undefined
      const found = refresh ? renew(refresh) : byCode.get(form.get('code') ?? '')
      byCode.delete(form.get('code') ?? '')
      const body = found && (await grant(found))
      await delay?.()
      answered?.()
      return body ? send(body) : send({ error: 'invalid_grant' }, 400)
    }
    if (!pathname.startsWith('/fhir/')) return send({}, 404)
    const found = byAccess.get(String(request.headers.authorization).slice('Bearer '.length))
    await delay?.()
    if (!found) return send({ resourceType: 'OperationOutcome', issue: [] }, 401)
    send({ resourceType: 'Patient', id: found.patient ?? 'one' })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

  return {
    origin,
    registration: {
      ...{ id: 'quick', name: 'Quick', iss: `${origin}/fhir`, clientId: CLIENT.id, scope: SCOPE },
      clientAuth: { method: 'client_secret_basic', secret: CLIENT.secret },
      ...{ origins: [origin], issuers: [origin], extras: ['count'] },
    },
    authorize(request, who) {
      const code = randomUUID()
      const nonce = request.searchParams.get('nonce')
      byCode.set(code, { ...who, nonce, access: '', refresh: '' })
      const back = new URL(request.searchParams.get('redirect_uri') ?? '')
      back.searchParams.set('code', code)
      back.searchParams.set('state', request.searchParams.get('state') ?? '')
      return back
    },
    signLogout: async about =>
      await sign({ ...about, jti: randomUUID(), events: { [LOGOUT_EVENT]: {} } }, 'logout+jwt'),
    expireAccessTokens: () => byAccess.clear(),
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }

  function renew(refresh: string): Grant | undefined {
    const again = spent.get(refresh)
    if (again) {
      byRefresh.delete(again.refresh)
      byAccess.delete(again.access)
    }
    const found = byRefresh.get(refresh)
    if (found) spent.set(refresh, found)
    return found
  }

  async function grant(it: Grant) {
    byRefresh.delete(it.refresh)
    byAccess.delete(it.access)
    Object.assign(it, { access: randomUUID(), refresh: randomUUID() })
    byRefresh.set(it.refresh, it)
    byAccess.set(it.access, it)
    const { sub, sid, nonce, access, refresh, patient = 'one' } = it
    return {
      ...{ access_token: access, token_type: 'Bearer', expires_in: LIFETIME_SECONDS },
      ...{ refresh_token: refresh, scope: SCOPE, patient, count: ++count },
      id_token: await sign({ sub, sid, ...(nonce ? { nonce } : {}) }, 'JWT'),
    }
  }
}

function grants(): Map<string, Grant> {
  return new Map()
}

function describe(origin: string) {
  return {
    issuer: origin,
    jwks_uri: `${origin}/jwks`,
    authorization_endpoint: `${origin}/authorize`,
    token_endpoint: `${origin}/token`,
    capabilities: ['launch-standalone', 'client-confidential-symmetric', 'sso-openid-connect'],
    code_challenge_methods_supported: ['S256'],
    grant_types_supported: ['authorization_code', 'refresh_token'],
    token_endpoint_auth_methods_supported: ['client_secret_basic'],
  }
}

async function readText(request: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of request) text += chunk
  return text
}
