// The end of a user's sessions at the EHR from the EHR's own side, which tells the apps by back-channel
// logout (OpenID Connect Back-Channel Logout 1.0), in the way of the face that each login came through.

import { randomUUID } from 'node:crypto'
import type { JWTPayload } from 'jose'
import type Provider from 'oidc-provider'
import type { Client } from 'oidc-provider'
import type { Sign } from '../faces/face.ts'
import type { Sites } from '../site.ts'
import type { GrantContexts } from './grant-contexts.ts'
import type { Storage } from './storage.ts'

export interface LogoutOptions {
  provider: Provider
  storage: Storage
  contexts: GrantContexts
  sites: Sites
  sign: Sign
}

const EVENT = 'http://schemas.openid.net/event/backchannel-logout'

/** Ends all sessions of a user; resolves when every app that wants to know has been told. */
export async function endSessions(options: LogoutOptions, accountId: string): Promise<void> {
  const { provider, storage, contexts, sites, sign } = options
  const ids = [...storage.records('Session')].flatMap(([id, session]) =>
    session.accountId === accountId ? [id] : [],
  )
  for (const id of ids) {
    const session = await provider.Session.find(id)
    for (const [clientId, { grantId }] of Object.entries(session?.authorizations ?? {})) {
      const client = await provider.Client.find(clientId)
      if (client?.backchannelLogoutUri === undefined) continue
      const sid = session?.sidFor(clientId)
      const face = sites.byBase(contexts.base(grantId ?? ''))?.face
      if (face?.logoutToken === undefined) await client.backchannelLogout(accountId, sid)
      else {
        const claims = buildClaims(provider.issuer, client, { sub: accountId, sid })
        await tell(client, await face.logoutToken(claims, sign))
      }
    }
    await session?.destroy()
  }
}

function buildClaims(iss: string, { clientId }: Client, whose: JWTPayload): JWTPayload {
  const now = Math.floor(Date.now() / 1000)
  const events = { [EVENT]: {} }
  return { iss, aud: clientId, iat: now, exp: now + 120, jti: randomUUID(), events, ...whose }
}

async function tell({ backchannelLogoutUri = '' }: Client, token: string): Promise<void> {
  const body = new URLSearchParams({ logout_token: token })
  const { ok, status } = await fetch(backchannelLogoutUri, { method: 'POST', body })
  if (!ok) throw new Error(`the app answered ${status} to a logout`)
}
