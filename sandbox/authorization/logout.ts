// The end of a user's sessions at the EHR from the EHR's own side, which tells the apps by back-channel
// logout (OpenID Connect Back-Channel Logout 1.0).

import type Provider from 'oidc-provider'
import type { Storage } from './storage.ts'

/** Ends all sessions of a user; resolves when every app that wants to know has been told. */
export async function endSessions(
  provider: Provider,
  storage: Storage,
  accountId: string,
): Promise<void> {
  const ids = [...storage.records('Session')].flatMap(([id, session]) =>
    session.accountId === accountId ? [id] : [],
  )
  for (const id of ids) {
    const session = await provider.Session.find(id)
    for (const clientId of Object.keys(session?.authorizations ?? {})) {
      const client = await provider.Client.find(clientId)
      if (client?.backchannelLogoutUri === undefined) continue
      await client.backchannelLogout(accountId, session?.sidFor(clientId))
    }
    await session?.destroy()
  }
}
