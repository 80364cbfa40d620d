// An EHR that lets whoever comes in at once, as whomever the caller says: logins by the thousand cost
// little, and each has a user and a login that logout tokens can name.

import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose'
import { LOGOUT_EVENT } from '../flow/logout-token.ts'

/** Who has logged in, and in which login. */
export interface Who {
  sub: string
  sid: string
}

export interface QuickEhr {
  origin: string
  /** Its registration, for the product's configuration. */
  registration: Record<string, unknown>
  /** Logs in at an authorization request; where the browser is led then. */
  authorize(request: URL, who: Who): URL
  /** A logout token that names a user or a login. */
  signLogout(about: { sub: string } | { sid: string }): Promise<string>
  close(): Promise<void>
}

const LIFETIME_SECONDS = 3_600
const CLIENT = { id: 'app', secret: 'a-secret-that-is-long-enough-for-it' }
const SCOPE = 'openid launch/patient patient/*.rs'

/** Starts it on a free port, under the id `quick`. */
export async function startQuickEhr(): Promise<QuickEhr> {
  const { publicKey, privateKey } = await generateKeyPair('RS256')
  const jwk = { ...(await exportJWK(publicKey)), kid: '1', alg: 'RS256', use: 'sig' }
  const logins = new Map<string, Who & { nonce: string | null }>()
  let origin = ''
  const sign = async (claims: JWTPayload, typ: string) =>
    await new SignJWT(claims)
      .setProtectedHeader({ alg: 'RS256', kid: '1', typ })
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
    if (pathname.startsWith('/fhir/')) return send({ resourceType: 'Patient', id: 'one' })
    if (pathname !== '/token') return send({}, 404)
    const code = new URLSearchParams(await readText(request)).get('code') ?? ''
    const login = logins.get(code)
    logins.delete(code)
    if (!login) return send({ error: 'invalid_grant' }, 400)
    const { sub, sid, nonce } = login
    return send({
      ...{ access_token: randomUUID(), token_type: 'Bearer', expires_in: LIFETIME_SECONDS },
      ...{ scope: SCOPE, patient: 'one' },
      id_token: await sign({ sub, sid, ...(nonce ? { nonce } : {}) }, 'JWT'),
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

  return {
    origin,
    registration: {
      ...{ id: 'quick', name: 'Quick', iss: `${origin}/fhir`, clientId: CLIENT.id, scope: SCOPE },
      clientAuth: { method: 'client_secret_basic', secret: CLIENT.secret },
      ...{ origins: [origin], issuers: [origin] },
    },
    authorize(request, who) {
      const code = randomUUID()
      logins.set(code, { ...who, nonce: request.searchParams.get('nonce') })
      const back = new URL(request.searchParams.get('redirect_uri') ?? '')
      back.searchParams.set('code', code)
      back.searchParams.set('state', request.searchParams.get('state') ?? '')
      return back
    },
    signLogout: async about =>
      await sign({ ...about, jti: randomUUID(), events: { [LOGOUT_EVENT]: {} } }, 'logout+jwt'),
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

function describe(origin: string) {
  return {
    issuer: origin,
    jwks_uri: `${origin}/jwks`,
    authorization_endpoint: `${origin}/authorize`,
    token_endpoint: `${origin}/token`,
    capabilities: ['launch-standalone', 'client-confidential-symmetric', 'sso-openid-connect'],
    code_challenge_methods_supported: ['S256'],
    grant_types_supported: ['authorization_code'],
    token_endpoint_auth_methods_supported: ['client_secret_basic'],
  }
}

async function readText(request: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of request) text += chunk
  return text
}
