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

/** Whether a face of the EHR still answers to the access token. */
export async function isAccepted(
  { sandbox }: World,
  { accessToken }: TokenSet,
  face = 'r4',
): Promise<boolean> {
  const authorization = `Bearer ${accessToken}`
  const answer = await fetch(`${sandbox.base(face)}/Patient`, { headers: { authorization } })
  await answer.body?.cancel()
  return answer.status !== 401
}

/** Whether a face still renews by the refresh token, which this uses up. */
export async function isRenewable(
  { sandbox }: World,
  { refreshToken = '' }: TokenSet,
  face = 'r4',
): Promise<boolean> {
  const mount = face === 'r4' ? sandbox.url : `${sandbox.url}/faces/${face}`
  const credentials = Buffer.from(`${tutorialClient.id}:${tutorialClient.secret}`)
  const answer = await fetch(`${mount}/oauth/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${credentials.toString('base64')}` },
    body: new URLSearchParams({ grant_type: 'refresh_token', refresh_token: refreshToken }),
  })
  await answer.body?.cancel()
  return answer.status === 200
}
