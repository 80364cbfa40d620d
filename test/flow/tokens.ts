// The tokens of a session, and what they are still worth at the EHR.

import type { FastifyRequest } from 'fastify'
import { tutorialClient } from '../../sandbox/tutorial-client.ts'
import type { TokenSet } from '../../src/smart/types.ts'
import type { Browser } from '../world/browser.ts'
import type { World } from '../world/world.ts'

/** The tokens that lie sealed behind one of this browser's tickets. */
export async function readTokens(world: World, browser: Browser, id: string): Promise<TokenSet> {
  const cookie = [...browser.cookies(world.app)].map(pair => pair.join('=')).join('; ')
  const request = { headers: { cookie } } as FastifyRequest
  return (await world.product.smartTickets.open(request, id, { slide: false })).session.tokens
}

/** Whether the EHR still takes the access token, and the refresh token (which uses that up). */
export async function tryTokens(
  world: World,
  { accessToken, refreshToken = '' }: TokenSet,
): Promise<{ access: boolean; refresh: boolean }> {
  const { url } = world.sandbox
  const authorization = `Bearer ${accessToken}`
  const read = await fetch(`${url}/r4/Patient`, { headers: { authorization } })
  const credentials = Buffer.from(`${tutorialClient.id}:${tutorialClient.secret}`)
  const renewed = await fetch(`${url}/oauth/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${credentials.toString('base64')}` },
    body: new URLSearchParams({ grant_type: 'refresh_token', refresh_token: refreshToken }),
  })
  await Promise.all([read.body?.cancel(), renewed.body?.cancel()])
  return { access: read.status === 200, refresh: renewed.status === 200 }
}

/** Asks again and again until the answer is yes; false after ten seconds. */
export async function eventually(ask: () => boolean | Promise<boolean>): Promise<boolean> {
  for (let tries = 0; tries < 200; tries++) {
    if (await ask()) return true
    await new Promise(done => setTimeout(done, 50))
  }
  return false
}
