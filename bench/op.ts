// A small OpenID provider that lets everybody in at once: the peers need a real login to have a real
// session. Its access tokens look like the big ones: three parts, about a kilobyte.

import { randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage } from 'node:http'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'

export interface Op {
  origin: string
  /** An access token as it issues them. */
  token: string
  close(): void
}

export const client = { id: 'bench', secret: 'bench-secret-of-sufficient-length-32' }
const LIFETIME_SECONDS = 3600

/** Starts the provider in this process. */
export async function startOp(port: number): Promise<Op> {
  const origin = `http://127.0.0.1:${port}`
  const { publicKey, privateKey } = await generateKeyPair('RS256')
  const jwk = { ...(await exportJWK(publicKey)), kid: '1', alg: 'RS256', use: 'sig' }
  const token = [36, 900, 342]
    .map(size => randomBytes(size).toString('base64url').slice(0, size))
    .join('.')
  const nonces = new Map<string, string | null>()

  const metadata = {
    issuer: origin,
    authorization_endpoint: `${origin}/authorize`,
    token_endpoint: `${origin}/token`,
    jwks_uri: `${origin}/jwks`,
    userinfo_endpoint: `${origin}/userinfo`,
    response_types_supported: ['code', 'id_token', 'code id_token'],
    response_modes_supported: ['query', 'form_post'],
    subject_types_supported: ['public'],
    scopes_supported: ['openid', 'profile', 'email', 'offline_access'],
    id_token_signing_alg_values_supported: ['RS256'],
    token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post'],
    code_challenge_methods_supported: ['S256'],
  }

  const server = createServer(async (request, response) => {
    const url = new URL(request.url ?? '/', origin)
    const send = (body: unknown) => {
      response.setHeader('content-type', 'application/json')
      response.setHeader('cache-control', 'no-store')
      response.end(JSON.stringify(body))
    }
    if (url.pathname === '/.well-known/openid-configuration') return send(metadata)
    if (url.pathname === '/jwks') return send({ keys: [jwk] })
    if (url.pathname === '/userinfo') return send({ sub: 'user' })
    if (url.pathname === '/authorize') {
      const code = randomBytes(16).toString('base64url')
      nonces.set(code, url.searchParams.get('nonce'))
      const back = new URL(url.searchParams.get('redirect_uri') ?? origin)
      back.searchParams.set('code', code)
      back.searchParams.set('state', url.searchParams.get('state') ?? '')
      response.writeHead(302, { location: back.href })
      return response.end()
    }
    if (url.pathname !== '/token') return response.writeHead(404).end()
    const form = new URLSearchParams(await readText(request))
    const nonce = nonces.get(form.get('code') ?? '')
    return send({
      access_token: token,
      token_type: 'Bearer',
      expires_in: LIFETIME_SECONDS,
      refresh_token: randomBytes(32).toString('base64url'),
      scope: 'openid profile launch/patient patient/*.rs',
      patient: '1',
      id_token: await new SignJWT({ ...(nonce ? { nonce } : {}), name: 'User' })
        .setProtectedHeader({ alg: 'RS256', kid: '1' })
        .setIssuer(origin)
        .setAudience(client.id)
        .setSubject('user')
        .setIssuedAt()
        .setExpirationTime(`${LIFETIME_SECONDS}s`)
        .sign(privateKey),
    })
  })
  await new Promise<void>(resolve => server.listen(port, '127.0.0.1', resolve))
  return { origin, token, close: () => void server.close() }
}

async function readText(request: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of request) text += chunk
  return text
}
