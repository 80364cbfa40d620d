// Token requests as the faces' hooks see them.

import type { IncomingMessage } from 'node:http'
import { SignJWT, UnsecuredJWT } from 'jose'
import type Provider from 'oidc-provider'
import type { Sign, Site, TokenCall } from '../faces/face.ts'
import type { GrantContexts } from './grant-contexts.ts'
import type { SigningKeys } from './keys.ts'

export interface TokenCalls {
  /** Reads what a token request is about, before any of it is done. */
  open(req: IncomingMessage, site: Site, form: URLSearchParams): Promise<TokenCall>
  find(req: IncomingMessage): TokenCall | undefined
}

/** No token requests yet. */
export function createTokenCalls({
  provider,
  contexts,
  keys,
}: {
  provider: Provider
  contexts: GrantContexts
  keys: SigningKeys
}): TokenCalls {
  const calls = new WeakMap<IncomingMessage, TokenCall>()
  return {
    find: req => calls.get(req),
    async open(req, site, form) {
      const refreshToken = form.get('refresh_token')
      const token = refreshToken ? await provider.RefreshToken.find(refreshToken) : undefined
      const call: TokenCall = {
        site,
        grantType: form.get('grant_type') ?? undefined,
        refreshToken: refreshToken ?? undefined,
        renewal: token === undefined ? 0 : contexts.countRenewal(token.grantId),
        sign: createSign(keys),
      }
      calls.set(req, call)
      return call
    },
  }
}

/** Signs with these keys. */
export function createSign({ kid, privateKey, jwks }: SigningKeys): Sign {
  return async (claims, header = {}) => {
    const { alg = 'RS256' } = header
    if (alg === 'none') return new UnsecuredJWT(claims).encode()
    // The old trick of a public key as the secret of an HMAC: the modulus, as it is published.
    const secret = Buffer.from(String(jwks.keys[0]?.n))
    return await new SignJWT(claims)
      .setProtectedHeader({ kid, ...header, alg })
      .sign(alg === 'HS256' ? secret : privateKey)
  }
}
